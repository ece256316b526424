/** `Im2Col` and `Col2Im` in WGSL: a number of the output a thread. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { runShader, type WebgpuCall } from '../../backends/webgpu/program.js';
import { patchesShape, type ConvolutionInfo, type PatchAttributes } from './convolution-info.js';

const THREADS = 64;

/** x `[B, H, W, C]` → `[B·OH·OW, h·w·C]` */
function im2col({ inputs, attributes: { info }, backend }: WebgpuCall<PatchAttributes>): TensorInfo {
  const [rows, columns] = patchesShape(info);
  return runShader(backend, {
    key: 'im2col',
    inputs: [{ name: 'x', info: inputs['x']! }],
    outputShape: [rows, columns],
    uniforms: uniformsOf(info),
    threads: THREADS,
    workgroups: Math.ceil((rows * columns) / THREADS),
    code: `
      fn main(index : i32) {
        let columns = uniforms.filterHeight * uniforms.filterWidth * uniforms.channels;
        let place = index / columns;
        if (place < uniforms.batch * uniforms.outHeight * uniforms.outWidth) {
          let column = index - place * columns;
          let tap = column / uniforms.channels;
          let image = place / (uniforms.outHeight * uniforms.outWidth);
          let outRow = (place / uniforms.outWidth) % uniforms.outHeight;
          let outColumn = place % uniforms.outWidth;
          let row = outRow * uniforms.strideDown - uniforms.padTop + (tap / uniforms.filterWidth) * uniforms.dilationDown;
          let across = outColumn * uniforms.strideAcross - uniforms.padLeft + (tap % uniforms.filterWidth) * uniforms.dilationAcross;
          var value = 0.0;
          if (row >= 0 && row < uniforms.height && across >= 0 && across < uniforms.width) {
            value = x[((image * uniforms.height + row) * uniforms.width + across) * uniforms.channels +
              column % uniforms.channels];
          }
          result[index] = value;
        }
      }`,
  });
}

/** patches `[B·OH·OW, h·w·C]` → `[B, H, W, C]` */
function col2im({ inputs, attributes: { info }, backend }: WebgpuCall<PatchAttributes>): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels } = info;
  const size = batchSize * inHeight * inWidth * inChannels;
  return runShader(backend, {
    key: 'col2im',
    inputs: [{ name: 'patches', info: inputs['patches']! }],
    outputShape: [batchSize, inHeight, inWidth, inChannels],
    uniforms: uniformsOf(info),
    threads: THREADS,
    workgroups: Math.ceil(size / THREADS),
    code: `
      fn main(index : i32) {
        let pixel = index / uniforms.channels;
        if (pixel < uniforms.batch * uniforms.height * uniforms.width) {
          let channel = index - pixel * uniforms.channels;
          let image = pixel / (uniforms.height * uniforms.width);
          let row = (pixel / uniforms.width) % uniforms.height;
          let across = pixel % uniforms.width;
          let columns = uniforms.filterHeight * uniforms.filterWidth * uniforms.channels;
          var sum = 0.0;
          for (var y = 0; y < uniforms.filterHeight; y++) {
            // The places of the filter whose tap y lies on this row: none, or one.
            let down = row + uniforms.padTop - y * uniforms.dilationDown;
            if (down < 0 || down % uniforms.strideDown != 0 || down / uniforms.strideDown >= uniforms.outHeight) { continue; }
            for (var z = 0; z < uniforms.filterWidth; z++) {
              let right = across + uniforms.padLeft - z * uniforms.dilationAcross;
              if (right < 0 || right % uniforms.strideAcross != 0 || right / uniforms.strideAcross >= uniforms.outWidth) { continue; }
              let place = (image * uniforms.outHeight + down / uniforms.strideDown) * uniforms.outWidth +
                right / uniforms.strideAcross;
              sum += patches[place * columns + (y * uniforms.filterWidth + z) * uniforms.channels + channel];
            }
          }
          result[index] = sum;
        }
      }`,
  });
}

function uniformsOf(info: ConvolutionInfo): Record<string, number> {
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strideDown: info.strideHeight,
    strideAcross: info.strideWidth,
    dilationDown: info.dilationHeight,
    dilationAcross: info.dilationWidth,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
  };
}

export const kernels = { Im2Col: im2col, Col2Im: col2im };
