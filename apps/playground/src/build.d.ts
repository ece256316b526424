/** What Vite makes of an import with `?url`, and says of the build. */
declare module '*?url' {
  const address: string;
  export default address;
}

interface ImportMeta {
  readonly env: { readonly PROD: boolean };
}
