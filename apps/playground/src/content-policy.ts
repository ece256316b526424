/**
 * The content security policy of the playground: nothing is asked of any other host. Vega and tfjs make functions of text,
 * hence 'unsafe-eval'. In a meta element it governs the page alone, as a header the worker that trains and the service
 * worker, too, which have the policy of their own files (CSP3 §4.2, HTML's "initialize worker policy container").
 */
export const contentPolicy = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "worker-src 'self'",
  "img-src 'self' data: blob:",
  "form-action 'none'",
  "base-uri 'none'",
].join('; ');
