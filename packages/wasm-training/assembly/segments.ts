// Adds slices into the segments that their ids name: the gradient of an embedding lookup.

/**
 * out[ids[i, j], j, :] += x[i, j, :]. Ids outside 0 … segments - 1 are dropped.
 *
 * @param x float32 [rows, columns, inner]
 * @param ids int32 [rows, columns]
 * @param out float32 [segments, columns, inner], overwritten
 */
export function segmentSum(
  x: usize,
  ids: usize,
  out: usize,
  rows: i32,
  columns: i32,
  inner: i32,
  segments: i32,
): void {
  const bytes = <usize>inner << 2;
  memory.fill(out, 0, <usize>segments * columns * bytes);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const id = load<i32>(ids);
      ids += 4;
      if (id >= 0 && id < segments) {
        let to = out + (<usize>id * columns + j) * bytes;
        let from = x;
        const end = to + bytes;
        for (; to + 16 <= end; to += 16, from += 16) {
          v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
        }
        for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
      }
      x += bytes;
    }
  }
}
