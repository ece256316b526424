/**
 * The eigenvalues of a symmetric matrix (row-major, n × n), in rising order, by cyclic Jacobi rotations
 * (Golub & Van Loan, "Matrix Computations", §8.5).
 */
export function symmetricEigenvalues(matrix: ArrayLike<number>, n: number): number[] {
  const a = Float64Array.from(matrix);
  const at = (row: number, column: number) => a[row * n + column]!;
  for (let sweep = 0; sweep < 60; sweep++) {
    let offDiagonal = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) offDiagonal += at(p, q) ** 2;
    if (offDiagonal === 0) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, n, p, q);
  }
  return Array.from({ length: n }, (_, i) => at(i, i)).sort((x, y) => x - y);
}

/** One rotation in the plane (p, q), which makes the entry there zero. */
function rotate(a: Float64Array, n: number, p: number, q: number): void {
  const entry = a[p * n + q]!;
  // An entry that its diagonal neighbours swallow in float64 is zero already.
  if (Math.abs(entry) < 1e-17 * Math.sqrt(Math.abs(a[p * n + p]! * a[q * n + q]!))) {
    a[p * n + q] = a[q * n + p] = 0;
    return;
  }
  if (entry === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * entry);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p]!;
    const kq = a[k * n + q]!;
    a[k * n + p] = cosine * kp - sine * kq;
    a[k * n + q] = sine * kp + cosine * kq;
  }
  for (let k = 0; k < n; k++) {
    const pk = a[p * n + k]!;
    const qk = a[q * n + k]!;
    a[p * n + k] = cosine * pk - sine * qk;
    a[q * n + k] = sine * pk + cosine * qk;
  }
  a[p * n + q] = a[q * n + p] = 0;
}
