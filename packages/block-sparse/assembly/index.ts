// The block-sparse kernels.
export {};
