// What of blocks TensorFlow has no op for, in one pass each, on the processor: products with the kept blocks of a matrix,
// the gradient at them, kept blocks taken out and put back, scaled by numbers or by a function of their own norms, and their
// inner products. Registered by TensorFlow's C interface when Node loads this.
//
// Blocks come as lists: of each line of blocks where its kept ones begin among the list (pointers, one more than lines), and
// of each kept one its line of the other side (indices) and where its values begin (starts). They are a pattern's own, which
// was checked when it was made; sizes are checked here.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "op.h"

#define INLINE inline __attribute__((always_inline))

namespace {

using namespace espalier;

// ---------------------------------------------------------------------------------------------------------------- arithmetic

typedef float Vector __attribute__((vector_size(32)));
typedef float Unaligned __attribute__((vector_size(32), aligned(4)));

INLINE Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
INLINE void store(float* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }
INLINE float total(Vector v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

struct Blocks {
  const int32_t *pointers, *indices, *starts;
};

// A matrix [n, m] in blocks of height × across, and the kept ones of it.
struct Matrix {
  int64_t n, m;
  int height, across;
  Blocks blocks;
};

INLINE int sideAt(int64_t length, int side, int64_t line) {
  return static_cast<int>(std::min<int64_t>(side, length - line * side));
}

// R rows of x · W at V vectors of columns of a line of blocks, from its column `from` on: in registers over all its blocks.
template <int R, int V>
INLINE void productTile(const Matrix& w, int64_t line, int width, int from, const float* x, const float* values, float* y) {
  Vector sums[R][V] = {};
  for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
    const int64_t top = static_cast<int64_t>(w.blocks.indices[at]) * w.height;
    const int depth = sideAt(w.n, w.height, w.blocks.indices[at]);
    const float* own = values + w.blocks.starts[at] + from;
    const float* input = x + top;
    for (int k = 0; k < depth; k++, own += width) {
      Vector row[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) row[v] = load(own + 8 * v);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const float factor = input[r * w.n + k];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) sums[r][v] += factor * row[v];
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) store(y + r * w.m + from + 8 * v, sums[r][v]);
}

template <int R>
INLINE void productRows(const Matrix& w, int64_t line, int width, const float* x, const float* values, float* y) {
  int from = 0;
  for (; from + 16 <= width; from += 16) productTile<R, 2>(w, line, width, from, x, values, y);
  for (; from + 8 <= width; from += 8) productTile<R, 1>(w, line, width, from, x, values, y);
  for (; from < width; from++) {
    for (int r = 0; r < R; r++) {
      float sum = 0;
      for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
        const int64_t top = static_cast<int64_t>(w.blocks.indices[at]) * w.height;
        const int depth = sideAt(w.n, w.height, w.blocks.indices[at]);
        const float* own = values + w.blocks.starts[at] + from;
        for (int k = 0; k < depth; k++) sum += x[r * w.n + top + k] * own[static_cast<int64_t>(k) * width];
      }
      y[r * w.m + from] = sum;
    }
  }
}

// x [rows, n] · W → y [rows, m], at one column of blocks.
INLINE void productLine(const Matrix& w, int64_t line, int64_t rows, const float* x, const float* values, float* y) {
  const int width = sideAt(w.m, w.across, line);
  float* out = y + line * w.across;
  int64_t r = 0;
  for (; r + 6 <= rows; r += 6) productRows<6>(w, line, width, x + r * w.n, values, out + r * w.m);
  for (; r < rows; r++) productRows<1>(w, line, width, x + r * w.n, values, out + r * w.m);
}

// R rows of x · Wᵀ at I rows of a line of blocks: sums over the columns of its blocks, side by side in vectors.
template <int R, int I>
INLINE void transposedTile(const Matrix& w, int64_t line, int from, const float* x, const float* values, float* y) {
  Vector sums[R][I] = {};
  float rest[R][I] = {};
  for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
    const int64_t left = static_cast<int64_t>(w.blocks.indices[at]) * w.across;
    const int width = sideAt(w.m, w.across, w.blocks.indices[at]);
    const float* own = values + w.blocks.starts[at] + static_cast<int64_t>(from) * width;
    const float* input = x + left;
    int j = 0;
    for (; j + 8 <= width; j += 8) {
      Vector row[I];
#pragma GCC unroll 8
      for (int i = 0; i < I; i++) row[i] = load(own + i * width + j);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const Vector factor = load(input + r * w.m + j);
#pragma GCC unroll 8
        for (int i = 0; i < I; i++) sums[r][i] += factor * row[i];
      }
    }
    for (; j < width; j++)
      for (int r = 0; r < R; r++)
        for (int i = 0; i < I; i++) rest[r][i] += input[r * w.m + j] * own[i * width + j];
  }
  for (int r = 0; r < R; r++)
    for (int i = 0; i < I; i++) y[r * w.n + from + i] = total(sums[r][i]) + rest[r][i];
}

template <int R>
INLINE void transposedRows(const Matrix& w, int64_t line, int height, const float* x, const float* values, float* y) {
  int from = 0;
  for (; from + 2 <= height; from += 2) transposedTile<R, 2>(w, line, from, x, values, y);
  for (; from < height; from++) transposedTile<R, 1>(w, line, from, x, values, y);
}

// x [rows, m] · Wᵀ → y [rows, n], at one row of blocks.
INLINE void transposedLine(const Matrix& w, int64_t line, int64_t rows, const float* x, const float* values, float* y) {
  const int height = sideAt(w.n, w.height, line);
  float* out = y + line * w.height;
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) transposedRows<4>(w, line, height, x + r * w.m, values, out + r * w.n);
  for (; r < rows; r++) transposedRows<1>(w, line, height, x + r * w.m, values, out + r * w.n);
}

// I rows and V vectors of xᵀ · dy at a block, over all rows. Both are panels: x [rows][height], dy [rows][width].
template <int I, int V>
INLINE void gradientTile(int64_t rows, const float* x, int height, const float* dy, int width, float* out) {
  Vector sums[I][V] = {};
  for (int64_t b = 0; b < rows; b++, x += height, dy += width) {
    Vector flow[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) flow[v] = load(dy + 8 * v);
#pragma GCC unroll 8
    for (int i = 0; i < I; i++) {
      const float factor = x[i];
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) sums[i][v] += factor * flow[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < I; i++)
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) store(out + i * width + 8 * v, sums[i][v]);
}

template <int I>
INLINE void gradientRows(int64_t rows, const float* x, int height, const float* dy, int width, float* out) {
  int from = 0;
  for (; from + 16 <= width; from += 16) gradientTile<I, 2>(rows, x, height, dy + from, width, out + from);
  for (; from + 8 <= width; from += 8) gradientTile<I, 1>(rows, x, height, dy + from, width, out + from);
  for (; from < width; from++)
    for (int i = 0; i < I; i++) {
      float sum = 0;
      for (int64_t b = 0; b < rows; b++) sum += x[b * height + i] * dy[b * width + from];
      out[i * width + from] = sum;
    }
}

// A column of panels: rows [rows][stride] → [rows][width], side by side.
INLINE void pack(const float* from, int64_t rows, int64_t stride, int width, float* to) {
  for (int64_t b = 0; b < rows; b++) memcpy(to + b * width, from + b * stride, sizeof(float) * width);
}

// xᵀ · dy at the kept blocks of one row of blocks; dy lies in panels, column of blocks by column.
INLINE void gradientLine(const Matrix& w, int64_t line, int64_t rows, const float* x, const float* dyPanels, float* xPanel, float* values) {
  if (w.blocks.pointers[line] == w.blocks.pointers[line + 1]) return;
  const int height = sideAt(w.n, w.height, line);
  pack(x + line * w.height, rows, w.n, height, xPanel);
  for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
    const int64_t left = static_cast<int64_t>(w.blocks.indices[at]) * w.across;
    const int width = sideAt(w.m, w.across, w.blocks.indices[at]);
    const float* dy = dyPanels + rows * left;
    float* out = values + w.blocks.starts[at];
    int i = 0;
    for (; i + 6 <= height; i += 6) gradientRows<6>(rows, xPanel + i, height, dy, width, out + i * width);
    for (; i < height; i++) gradientRows<1>(rows, xPanel + i, height, dy, width, out + i * width);
  }
}

// One row of a block times a number; of a number 0, zeros, whatever it held.
INLINE void scaleRow(const float* from, float number, int width, float* to) {
  if (number == 0) {
    memset(to, 0, sizeof(float) * width);
    return;
  }
  int j = 0;
  for (; j + 8 <= width; j += 8) store(to + j, number * load(from + j));
  for (; j < width; j++) to[j] = number * from[j];
}

// A row of blocks, each times its number.
INLINE void scaleLine(const Matrix& w, int64_t line, const float* matrix, const float* numbers, float* out) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  for (int i = 0; i < height; i++) {
    for (int64_t q = 0; q < columns; q++) {
      const int64_t at = (line * w.height + i) * w.m + q * w.across;
      scaleRow(matrix + at, numbers[line * columns + q], sideAt(w.m, w.across, q), out + at);
    }
  }
}

// Adds what lies in one row of a block to the eight sums of the block.
INLINE void addProducts(const float* a, const float* b, int width, float* sums) {
  Vector sum = load(sums);
  int j = 0;
  for (; j + 8 <= width; j += 8) sum += load(a + j) * load(b + j);
  for (; j < width; j++) sum[0] += a[j] * b[j];
  store(sums, sum);
}

// A row of blocks of dy, each times its number, and the inner products with those of the matrix; 0 of a number 0. Without
// `out`, the inner products alone. `sums` are scratch, eight for each column of blocks.
INLINE void dotLine(const Matrix& w, int64_t line, const float* dy, const float* matrix, const float* numbers, float* sums, float* out, float* dots) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  const float* own = numbers + line * columns;
  std::fill(sums, sums + 8 * columns, 0.f);
  for (int i = 0; i < height; i++) {
    for (int64_t q = 0; q < columns; q++) {
      const int width = sideAt(w.m, w.across, q);
      const int64_t at = (line * w.height + i) * w.m + q * w.across;
      if (own[q] != 0) addProducts(dy + at, matrix + at, width, sums + 8 * q);
      if (out) scaleRow(dy + at, own[q], width, out + at);
    }
  }
  for (int64_t q = 0; q < columns; q++) dots[line * columns + q] = total(load(sums + 8 * q));
}

// Between a row of blocks of a matrix and the values of its kept ones: out of the matrix, or into it, with zeros elsewhere.
INLINE void gatherLine(const Matrix& w, int64_t line, const float* matrix, float* values) {
  const int height = sideAt(w.n, w.height, line);
  for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
    const int width = sideAt(w.m, w.across, w.blocks.indices[at]);
    const float* from = matrix + line * w.height * w.m + static_cast<int64_t>(w.blocks.indices[at]) * w.across;
    for (int i = 0; i < height; i++) memcpy(values + w.blocks.starts[at] + i * width, from + i * w.m, sizeof(float) * width);
  }
}

// The kept blocks of a row, among what the rest is, or zeros.
INLINE void putLine(const Matrix& w, int64_t line, const float* values, const float* rest, float* matrix) {
  const int height = sideAt(w.n, w.height, line);
  // A row at a time, so that what is zeroed is in the cache when it is written.
  for (int64_t i = 0, from = line * w.height * w.m; i < height; i++, from += w.m) {
    float* out = matrix + from;
    if (rest) memcpy(out, rest + from, sizeof(float) * w.m);
    else memset(out, 0, sizeof(float) * w.m);
    for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
      const int width = sideAt(w.m, w.across, w.blocks.indices[at]);
      memcpy(out + static_cast<int64_t>(w.blocks.indices[at]) * w.across, values + w.blocks.starts[at] + i * width, sizeof(float) * width);
    }
  }
}

// The kept blocks of a row, each times its number; and their inner products, 0 of those that are pruned.
INLINE void scaleValuesLine(const Matrix& w, int64_t line, const float* values, const float* numbers, float* out) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
    const int64_t q = w.blocks.indices[at];
    scaleRow(values + w.blocks.starts[at], numbers[line * columns + q], height * sideAt(w.m, w.across, q), out + w.blocks.starts[at]);
  }
}

INLINE void dotValuesLine(const Matrix& w, int64_t line, const float* a, const float* b, float* dots) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  float* out = dots + line * columns;
  std::fill(out, out + columns, 0.f);
  for (int at = w.blocks.pointers[line]; at < w.blocks.pointers[line + 1]; at++) {
    const int64_t q = w.blocks.indices[at];
    const int start = w.blocks.starts[at], width = sideAt(w.m, w.across, q);
    float sums[8] = {};
    // Row by row, as in the matrix: to the same bits.
    for (int i = 0; i < height; i++) addProducts(a + start + i * width, b + start + i * width, width, sums);
    out[q] = total(load(sums));
  }
}

// g of a norm, by which a block is scaled, and g' times the norm: of a power p, x^p, and of a block of zeros 0; of a threshold
// t, max(1 - t / x, leak). The constants are those of src/norm-floor.ts.
struct Rule {
  bool shrinks;
  float number, leak;

  static constexpr double kSquaredFloor = 1e-30, kZeroNorm = 2e-15;

  double factor(double norm) const {
    if (shrinks) return std::max(1 - number / norm, static_cast<double>(leak));
    return norm > kZeroNorm ? std::pow(norm, static_cast<double>(number)) : 0;
  }
  bool passes(double norm) const { return 1 - number / norm >= leak; }
  double pull(double norm, double factor) const {
    if (shrinks) return passes(norm) ? number / norm : 0;
    return number * factor;
  }
};

// A row of blocks, each times g of its norm, as if it were whole; or, with dy, the gradient: g dy + g' <dy, V> / |V| V, and of
// each block what it adds to the gradient by a threshold. Pruned blocks, whose number is 0, give zeros. Gone through twice, the
// second time in the cache. `scratch` is 18 numbers for each column of blocks.
INLINE void normLine(const Matrix& w, int64_t line, const Rule& rule, const float* matrix, const float* dy, const float* kept, float* scratch, float* out, float* byThreshold) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  const float* own = kept + line * columns;
  float *squares = scratch, *dots = squares + 8 * columns, *factors = dots + 8 * columns, *slopes = factors + columns;
  std::fill(scratch, scratch + 18 * columns, 0.f);
  for (int i = 0; i < height; i++) {
    for (int64_t q = 0; q < columns; q++) {
      if (own[q] == 0) continue;
      const int width = sideAt(w.m, w.across, q);
      const int64_t at = (line * w.height + i) * w.m + q * w.across;
      addProducts(matrix + at, matrix + at, width, squares + 8 * q);
      if (dy) addProducts(dy + at, matrix + at, width, dots + 8 * q);
    }
  }
  for (int64_t q = 0; q < columns; q++) {
    const int64_t block = line * columns + q;
    if (byThreshold) byThreshold[block] = 0;
    if (own[q] == 0) continue;
    const double share = static_cast<double>(w.height) * w.across / (static_cast<double>(height) * sideAt(w.m, w.across, q));
    const double norm = std::sqrt(std::max(share * total(load(squares + 8 * q)), Rule::kSquaredFloor));
    const double factor = rule.factor(norm);
    factors[q] = static_cast<float>(factor);
    if (!dy) continue;
    const double dot = total(load(dots + 8 * q));
    if (norm > Rule::kZeroNorm) slopes[q] = static_cast<float>(share * rule.pull(norm, factor) * dot / norm / norm);
    if (byThreshold && rule.shrinks && rule.passes(norm)) byThreshold[block] = static_cast<float>(-dot / norm);
  }
  for (int i = 0; i < height; i++) {
    for (int64_t q = 0; q < columns; q++) {
      const int width = sideAt(w.m, w.across, q);
      const int64_t at = (line * w.height + i) * w.m + q * w.across;
      const float factor = factors[q], slope = slopes[q];
      scaleRow((dy ? dy : matrix) + at, factor, width, out + at);
      if (slope == 0) continue;
      int j = 0;
      for (; j + 8 <= width; j += 8) store(out + at + j, load(out + at + j) + slope * load(matrix + at + j));
      for (; j < width; j++) out[at + j] += slope * matrix[at + j];
    }
  }
}

// ------------------------------------------------------------------------------------------------- one body, several processors

// Each line of `work` by its own arithmetic, compiled for the processor.
struct Work {
  enum Kind { kProduct, kTransposed, kGradient, kScale, kDot, kNorm, kGather, kPut, kScaleValues, kDotValues } kind;
  Matrix matrix;
  int64_t rows;
  const float *a, *b, *c;
  float *out, *ofBlocks;
  Rule rule;
};

INLINE void linesBody(const Work& work, int64_t from, int64_t to, float* scratch) {
  for (int64_t line = from; line < to; line++) {
    switch (work.kind) {
      case Work::kProduct: productLine(work.matrix, line, work.rows, work.a, work.b, work.out); break;
      case Work::kTransposed: transposedLine(work.matrix, line, work.rows, work.a, work.b, work.out); break;
      case Work::kGradient: gradientLine(work.matrix, line, work.rows, work.a, work.b, scratch, work.out); break;
      case Work::kScale: scaleLine(work.matrix, line, work.a, work.b, work.out); break;
      case Work::kDot: dotLine(work.matrix, line, work.a, work.b, work.c, scratch, work.out, work.ofBlocks); break;
      case Work::kGather: gatherLine(work.matrix, line, work.a, work.out); break;
      case Work::kPut: putLine(work.matrix, line, work.a, work.b, work.out); break;
      case Work::kScaleValues: scaleValuesLine(work.matrix, line, work.a, work.b, work.out); break;
      case Work::kDotValues: dotValuesLine(work.matrix, line, work.a, work.b, work.out); break;
      case Work::kNorm: normLine(work.matrix, line, work.rule, work.a, work.b, work.c, scratch, work.out, work.ofBlocks); break;
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vl,avx512dq,fma"))) void linesAvx512(const Work& w, int64_t from, int64_t to, float* scratch) {
  linesBody(w, from, to, scratch);
}
__attribute__((target("avx2,fma"))) void linesAvx2(const Work& w, int64_t from, int64_t to, float* scratch) {
  linesBody(w, from, to, scratch);
}
#endif
void linesAnywhere(const Work& w, int64_t from, int64_t to, float* scratch) { linesBody(w, from, to, scratch); }

void lines(const Work& work, int64_t from, int64_t to, float* scratch) {
#if defined(__x86_64__)
  static const bool avx512 = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx512) return linesAvx512(work, from, to, scratch);
  if (avx2) return linesAvx2(work, from, to, scratch);
#endif
  linesAnywhere(work, from, to, scratch);
}

// All lines, shared out where it is worth it. Each line writes what no other does: the bits do not depend on the threads.
void run(const Work& work, int64_t count, double multiplyAdds, int64_t scratchFloats) {
  inShares(count, multiplyAdds, [&](Shares& shares) {
    std::vector<float> scratch(scratchFloats);
    for (int64_t from, to; shares.next(from, to);) lines(work, from, to, scratch.data());
  });
}

// ---------------------------------------------------------------------------------------------------------- what TensorFlow calls

// Of a block its height and how far it goes across; and, of what is given kept blocks, rows and columns of the matrix, and how
// many weights are kept. As one attribute, as each costs a microsecond a call.
struct Attributes {
  int64_t height = 1, across = 1, n = 0, m = 0, size = 0;
  bool transposed = false, shrinks = false;
  float leak = 0;
};

void* create(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes;
  Status status;
  int64_t sizes[5] = {1, 1, 0, 0, 0};
  int32_t length = 0, all = 0;
  TF_OpKernelConstruction_GetAttrSize(construction, "sizes", &length, &all, status.status);
  TF_OpKernelConstruction_GetAttrInt64List(construction, "sizes", sizes, std::min<int32_t>(length, 5), status.status);
  attributes->height = std::max<int64_t>(1, sizes[0]);
  attributes->across = std::max<int64_t>(1, sizes[1]);
  attributes->n = sizes[2];
  attributes->m = sizes[3];
  attributes->size = sizes[4];
  const auto flag = [&](const char* name) {
    unsigned char is = 0;
    if (TF_OpKernelConstruction_HasAttr(construction, name, status.status)) TF_OpKernelConstruction_GetAttrBool(construction, name, &is, status.status);
    return is != 0;
  };
  attributes->transposed = flag("transposed");
  attributes->shrinks = flag("shrinks");
  if (TF_OpKernelConstruction_HasAttr(construction, "leak", status.status)) TF_OpKernelConstruction_GetAttrFloat(construction, "leak", &attributes->leak, status.status);
  return attributes;
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

int64_t linesOf(int64_t length, int64_t side) { return (length + side - 1) / side; }

Matrix matrixOf(const Attributes& own, Blocks blocks = {}) {
  return {own.n, own.m, static_cast<int>(own.height), static_cast<int>(own.across), blocks};
}

// Takes the lists of kept blocks, which are the inputs from `at` on.
bool takeLists(Call& call, int at, int64_t lines, Blocks& blocks) {
  blocks = {call.input<int32_t>(at), call.input<int32_t>(at + 1), call.input<int32_t>(at + 2)};
  return call.ok() && call.require(call.size(at) == lines + 1 && call.size(at + 1) == call.size(at + 2) && blocks.pointers[lines] <= call.size(at + 1), "the lists of blocks do not fit the matrix");
}

bool hasShape(Call& call, int at, int64_t n, int64_t m, const char* what) {
  return call.require(call.rank(at) == 2 && call.dim(at, 0) == n && call.dim(at, 1) == m, what);
}

bool hasValues(Call& call, int at, const Attributes& own) {
  return call.require(call.size(at) == own.size, "the values are not those of the kept blocks");
}

void computeProduct(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* x = call.input<float>(0);
  const float* values = call.input<float>(1);
  const int64_t inner = own.transposed ? own.m : own.n, outer = own.transposed ? own.n : own.m;
  const int64_t lines = linesOf(outer, own.transposed ? own.height : own.across);
  Blocks blocks;
  if (!takeLists(call, 2, lines, blocks) || !hasValues(call, 1, own)) return;
  if (!call.require(call.rank(0) == 2 && call.dim(0, 1) == inner, "x does not fit the matrix")) return;
  const int64_t rows = call.dim(0, 0);
  float* y = call.output(0, {rows, outer});
  if (!y) return;
  const Matrix matrix = matrixOf(own, blocks);
  run({own.transposed ? Work::kTransposed : Work::kProduct, matrix, rows, x, values, nullptr, y}, lines, static_cast<double>(rows) * call.size(1), 0);
}

void computeGradient(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* x = call.input<float>(0);
  const float* dy = call.input<float>(1);
  const int64_t lines = linesOf(own.n, own.height);
  Blocks blocks;
  if (!takeLists(call, 2, lines, blocks)) return;
  if (!call.require(call.rank(0) == 2 && call.rank(1) == 2 && call.dim(0, 1) == own.n && call.dim(1, 1) == own.m && call.dim(0, 0) == call.dim(1, 0), "x and dy do not fit the matrix")) return;
  const int64_t rows = call.dim(0, 0);
  float* values = call.output(0, {own.size});
  if (!values) return;
  std::vector<float> panels(rows * own.m);
  for (int64_t left = 0; left < own.m; left += own.across) {
    const int width = static_cast<int>(std::min(own.across, own.m - left));
    pack(dy + left, rows, own.m, width, panels.data() + rows * left);
  }
  run({Work::kGradient, matrixOf(own, blocks), rows, x, panels.data(), nullptr, values}, lines, static_cast<double>(rows) * own.size, rows * own.height);
}

void computeGather(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* matrix = call.input<float>(0);
  const int64_t lines = linesOf(own.n, own.height);
  Blocks blocks;
  if (!takeLists(call, 1, lines, blocks) || !hasShape(call, 0, own.n, own.m, "the matrix is not that of the blocks")) return;
  float* values = call.output(0, {own.size});
  if (values) run({Work::kGather, matrixOf(own, blocks), 0, matrix, nullptr, nullptr, values}, lines, kOfMemory * own.size, 0);
}

void computeScatter(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* values = call.input<float>(0);
  const int64_t lines = linesOf(own.n, own.height);
  Blocks blocks;
  if (!takeLists(call, 1, lines, blocks) || !hasValues(call, 0, own)) return;
  float* matrix = call.output(0, {own.n, own.m});
  if (matrix) run({Work::kPut, matrixOf(own, blocks), 0, values, nullptr, nullptr, matrix}, lines, kOfMemory * own.n * own.m, 0);
}

void computePut(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float *rest = call.input<float>(0), *values = call.input<float>(1);
  const int64_t lines = linesOf(own.n, own.height);
  Blocks blocks;
  if (!takeLists(call, 2, lines, blocks) || !hasValues(call, 1, own) || !hasShape(call, 0, own.n, own.m, "the matrix is not that of the blocks")) return;
  float* matrix = call.output(0, {own.n, own.m});
  if (matrix) run({Work::kPut, matrixOf(own, blocks), 0, values, rest, nullptr, matrix}, lines, 2 * kOfMemory * own.n * own.m, 0);
}

void computeScaleValues(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float *values = call.input<float>(0), *numbers = call.input<float>(1);
  const int64_t lines = linesOf(own.n, own.height), columns = linesOf(own.m, own.across);
  Blocks blocks;
  if (!takeLists(call, 2, lines, blocks) || !hasValues(call, 0, own) || !hasShape(call, 1, lines, columns, "there is to be a number for each block")) return;
  float* out = call.output(0, {own.size});
  if (out) run({Work::kScaleValues, matrixOf(own, blocks), 0, values, numbers, nullptr, out}, lines, kOfMemory * own.size, 0);
}

void computeDotValues(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float *a = call.input<float>(0), *b = call.input<float>(1);
  const int64_t lines = linesOf(own.n, own.height), columns = linesOf(own.m, own.across);
  Blocks blocks;
  if (!takeLists(call, 2, lines, blocks) || !hasValues(call, 0, own) || !hasValues(call, 1, own)) return;
  float* dots = call.output(0, {lines, columns});
  if (dots) run({Work::kDotValues, matrixOf(own, blocks), 0, a, b, nullptr, dots}, lines, kOfMemory * own.size, 0);
}

// Of a matrix that is given whole, with a number for each block: what it goes through line by line.
class Grid {
 public:
  Grid(Call& call, void* kernel, int matrix, int numbers) : own_(*static_cast<Attributes*>(kernel)) {
    if (!call.ok() || !call.require(call.rank(matrix) == 2, "the matrix has two axes")) return;
    own_.n = call.dim(matrix, 0);
    own_.m = call.dim(matrix, 1);
    lines_ = linesOf(own_.n, own_.height);
    columns_ = linesOf(own_.m, own_.across);
    isRight_ = call.require(call.size(numbers) == lines_ * columns_, "there is to be a number for each block");
  }

  bool has(Call& call, int other) const {
    return isRight_ && hasShape(call, other, own_.n, own_.m, "the matrices are of one shape");
  }
  float* matrix(Call& call, int output) const { return call.output(output, {own_.n, own_.m}); }
  float* blocks(Call& call, int output) const { return call.output(output, {lines_, columns_}); }

  void run(Work work, int64_t scratchOfColumn) const {
    work.matrix = matrixOf(own_);
    ::run(work, lines_, kOfMemory * own_.n * own_.m, scratchOfColumn * columns_);
  }
  bool isRight() const { return isRight_; }
  Rule rule(const float* number) const { return {own_.shrinks, *number, own_.leak}; }

 private:
  Attributes own_;
  int64_t lines_ = 0, columns_ = 0;
  bool isRight_ = false;
};

void computeScale(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  const float *matrix = call.input<float>(0), *numbers = call.input<float>(1);
  const Grid grid(call, kernel, 0, 1);
  if (!grid.isRight()) return;
  if (float* out = grid.matrix(call, 0)) grid.run({Work::kScale, {}, 0, matrix, numbers, nullptr, out}, 0);
}

void computeDots(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  const float *a = call.input<float>(0), *b = call.input<float>(1), *numbers = call.input<float>(2);
  const Grid grid(call, kernel, 0, 2);
  if (!grid.has(call, 1)) return;
  if (float* out = grid.blocks(call, 0)) grid.run({Work::kDot, {}, 0, a, b, numbers, nullptr, out}, 8);
}

void computeAttendGradient(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input<float>(0), *matrix = call.input<float>(1), *numbers = call.input<float>(2);
  const Grid grid(call, kernel, 0, 2);
  if (!grid.has(call, 1)) return;
  float* out = grid.matrix(call, 0);
  float* dots = out ? grid.blocks(call, 1) : nullptr;
  if (dots) grid.run({Work::kDot, {}, 0, dy, matrix, numbers, out, dots}, 8);
}

void computeNorm(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  const float *matrix = call.input<float>(0), *kept = call.input<float>(1), *number = call.input<float>(2);
  const Grid grid(call, kernel, 0, 1);
  if (!grid.isRight() || !call.require(call.size(2) == 1, "one power, or threshold, is for all blocks")) return;
  if (float* out = grid.matrix(call, 0)) grid.run({Work::kNorm, {}, 0, matrix, nullptr, kept, out, nullptr, grid.rule(number)}, 18);
}

void computeNormGradient(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  const float *dy = call.input<float>(0), *matrix = call.input<float>(1), *kept = call.input<float>(2), *number = call.input<float>(3);
  const Grid grid(call, kernel, 0, 2);
  if (!grid.has(call, 1) || !call.require(call.size(3) == 1, "one power, or threshold, is for all blocks")) return;
  float* out = grid.matrix(call, 0);
  float* byThreshold = out ? grid.blocks(call, 1) : nullptr;
  if (byThreshold) grid.run({Work::kNorm, {}, 0, matrix, dy, kept, out, byThreshold, grid.rule(number)}, 18);
}

struct Registration {
  Registration() {
    define("EspalierBlockProduct", {"x: float", "values: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"product: float"}, {"sizes: list(int)", "transposed: bool = false"}, &create, &computeProduct, &destroy);
    define("EspalierBlockGradient", {"x: float", "dy: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"by_values: float"}, {"sizes: list(int)"}, &create, &computeGradient, &destroy);
    define("EspalierScaleBlocks", {"matrix: float", "numbers: float"}, {"scaled: float"}, {"sizes: list(int)"}, &create, &computeScale, &destroy);
    define("EspalierBlockDots", {"a: float", "b: float", "numbers: float"}, {"dots: float"}, {"sizes: list(int)"}, &create, &computeDots, &destroy);
    define("EspalierAttendBlocksGrad", {"dy: float", "matrix: float", "numbers: float"}, {"by_matrix: float", "by_numbers: float"},
           {"sizes: list(int)"}, &create, &computeAttendGradient, &destroy);
    define("EspalierGatherBlocks", {"matrix: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"values: float"}, {"sizes: list(int)"}, &create, &computeGather, &destroy);
    define("EspalierScatterBlocks", {"values: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"matrix: float"}, {"sizes: list(int)"}, &create, &computeScatter, &destroy);
    define("EspalierPutBlocks", {"rest: float", "values: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"matrix: float"}, {"sizes: list(int)"}, &create, &computePut, &destroy);
    define("EspalierScaleValues", {"values: float", "numbers: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"scaled: float"}, {"sizes: list(int)"}, &create, &computeScaleValues, &destroy);
    define("EspalierValueDots", {"a: float", "b: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"dots: float"}, {"sizes: list(int)"}, &create, &computeDotValues, &destroy);
    const Names rule = {"sizes: list(int)", "shrinks: bool = false", "leak: float = 0.0"};
    define("EspalierScaleByNorms", {"matrix: float", "kept: float", "number: float"}, {"scaled: float"}, rule, &create, &computeNorm, &destroy);
    define("EspalierScaleByNormsGrad", {"dy: float", "matrix: float", "kept: float", "number: float"},
           {"by_matrix: float", "by_threshold: float"}, rule, &create, &computeNormGradient, &destroy);
  }
} registration;

}  // namespace

// What Node looks for in an addon. There is nothing to call: the ops are TensorFlow's.
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }
