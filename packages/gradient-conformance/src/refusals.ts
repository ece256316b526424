/** What tfjs refuses on every backend, by a message of its own. */
export const ALWAYS_REFUSED = {
  // At 0 its gradient would be one of 0 · ∞.
  divNoNan: /gradient function not found for Equal/,
  fusedConv2d: /gradient of fused conv2D: dilation rates greater than 1/,
  fusedDepthwiseConv2d: /gradient of fused depthwiseConv2d: dilation rates greater than 1/,
};

export const DILATED_NCHW = /gradient of conv2D: dilation rates greater than 1/;
