/** What a browser gets in the place of the kernels for the native backend, which there is in Node alone: nothing. */
export {};
