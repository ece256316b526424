// What of blocks TensorFlow has no op for, in one pass each, on the processor: products with the kept blocks of a matrix,
// the gradient at them, blocks scaled, and their inner products. Registered by TensorFlow's C interface when Node loads this.
//
// Blocks come as lists: of each line of blocks where its kept ones begin among the list (pointers, one more than lines), and
// of each kept one its line of the other side (indices) and where its values begin (starts). They are a pattern's own, which
// was checked when it was made; sizes are checked here.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <thread>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

#define INLINE inline __attribute__((always_inline))

namespace {

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

// A row of blocks, each times its number; of a number 0, zeros, whatever it held.
INLINE void scaleLine(const Matrix& w, int64_t line, const float* matrix, const float* numbers, float* out) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  for (int i = 0; i < height; i++) {
    const int64_t row = (line * w.height + i) * w.m;
    for (int64_t q = 0; q < columns; q++) {
      const int width = sideAt(w.m, w.across, q);
      const float number = numbers[line * columns + q];
      const float* from = matrix + row + q * w.across;
      float* to = out + row + q * w.across;
      if (number == 0) memset(to, 0, sizeof(float) * width);
      else for (int j = 0; j < width; j++) to[j] = number * from[j];
    }
  }
}

// The inner products of a row of blocks; 0 of those whose number is 0.
INLINE void dotLine(const Matrix& w, int64_t line, const float* a, const float* b, const float* numbers, float* out) {
  const int height = sideAt(w.n, w.height, line);
  const int64_t columns = (w.m + w.across - 1) / w.across;
  for (int64_t q = 0; q < columns; q++) {
    float sum = 0;
    if (numbers[line * columns + q] != 0) {
      const int width = sideAt(w.m, w.across, q);
      Vector sums = {};
      for (int i = 0; i < height; i++) {
        const int64_t at = (line * w.height + i) * w.m + q * w.across;
        int j = 0;
        for (; j + 8 <= width; j += 8) sums += load(a + at + j) * load(b + at + j);
        for (; j < width; j++) sum += a[at + j] * b[at + j];
      }
      sum += total(sums);
    }
    out[line * columns + q] = sum;
  }
}

// ------------------------------------------------------------------------------------------------- one body, several processors

// Each line of `work` by its own arithmetic, compiled for the processor.
struct Work {
  enum Kind { kProduct, kTransposed, kGradient, kScale, kDot } kind;
  Matrix matrix;
  int64_t rows;
  const float *a, *b, *c;
  float* out;
};

INLINE void linesBody(const Work& work, int64_t from, int64_t to, float* scratch) {
  for (int64_t line = from; line < to; line++) {
    switch (work.kind) {
      case Work::kProduct: productLine(work.matrix, line, work.rows, work.a, work.b, work.out); break;
      case Work::kTransposed: transposedLine(work.matrix, line, work.rows, work.a, work.b, work.out); break;
      case Work::kGradient: gradientLine(work.matrix, line, work.rows, work.a, work.b, scratch, work.out); break;
      case Work::kScale: scaleLine(work.matrix, line, work.a, work.b, work.out); break;
      case Work::kDot: dotLine(work.matrix, line, work.a, work.b, work.c, work.out); break;
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

// As many as TensorFlow computes with, as it is told when this is loaded.
int threadCount() {
  const char* given = getenv("TF_NUM_INTRAOP_THREADS");
  const int asked = given ? atoi(given) : 0;
  const int there = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(asked > 0 ? asked : there, there));
}

const int mostThreads = threadCount();

// Making a thread takes some 30 µs: what a processor does of this in ten times as long.
constexpr double kWorthAThread = 2e6;

// All lines, shared out where it is worth it. Each line writes what no other does: the bits do not depend on the threads.
void run(const Work& work, int64_t count, double multiplyAdds, int64_t scratchFloats) {
  const int threads = static_cast<int>(std::min<double>({static_cast<double>(mostThreads), static_cast<double>(count), 1 + multiplyAdds / kWorthAThread}));
  if (threads <= 1) {
    std::vector<float> scratch(scratchFloats);
    return lines(work, 0, count, scratch.data());
  }
  std::atomic<int64_t> next{0};
  const int64_t share = std::max<int64_t>(1, count / (8 * threads));
  const auto some = [&] {
    std::vector<float> scratch(scratchFloats);
    for (int64_t from; (from = next.fetch_add(share)) < count;) lines(work, from, std::min(count, from + share), scratch.data());
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; i++) others.emplace_back(some);
  some();
  for (auto& other : others) other.join();
}

// --------------------------------------------------------------------------------------------------------- TensorFlow's C interface

struct Status {
  TF_Status* status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  bool isOk() const { return TF_GetCode(status) == TF_OK; }
};

// What a call is given, and what it makes; whatever goes wrong is TensorFlow's to say.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context) {}
  ~Call() {
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
  }

  template <typename T>
  const T* input(int at) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, at, &tensor, status_.status);
    if (!ok()) return nullptr;
    tensors_.push_back(tensor);
    return static_cast<const T*>(TF_TensorData(tensor));
  }

  int64_t dim(int at, int axis) const { return TF_Dim(tensors_[at], axis); }
  int64_t size(int at) const { return TF_TensorElementCount(tensors_[at]); }
  int rank(int at) const { return TF_NumDims(tensors_[at]); }

  float* output(std::initializer_list<int64_t> shape) {
    std::vector<int64_t> dims(shape);
    int64_t count = 1;
    for (int64_t length : dims) count *= length;
    TF_Tensor* tensor = TF_AllocateOutput(context_, 0, TF_FLOAT, dims.data(), static_cast<int>(dims.size()), sizeof(float) * count, status_.status);
    if (!ok()) return nullptr;
    tensors_.push_back(tensor);
    return static_cast<float*>(TF_TensorData(tensor));
  }

  bool require(bool holds, const char* what) {
    if (holds) return true;
    TF_SetStatus(status_.status, TF_INVALID_ARGUMENT, what);
    return ok();
  }

  bool ok() {
    if (status_.isOk()) return true;
    TF_OpKernelContext_Failure(context_, status_.status);
    return false;
  }

 private:
  TF_OpKernelContext* context_;
  Status status_;
  std::vector<TF_Tensor*> tensors_;
};

// Of a block its height and how far it goes across; and, of what is given kept blocks, rows and columns of the matrix, and how
// many weights are kept. As one attribute, as each costs a microsecond a call.
struct Attributes {
  int64_t height = 1, across = 1, n = 0, m = 0, size = 0;
  bool transposed = false;
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
  unsigned char transposed = 0;
  if (TF_OpKernelConstruction_HasAttr(construction, "transposed", status.status)) {
    TF_OpKernelConstruction_GetAttrBool(construction, "transposed", &transposed, status.status);
  }
  attributes->transposed = transposed != 0;
  return attributes;
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

int64_t linesOf(int64_t length, int64_t side) { return (length + side - 1) / side; }

Matrix matrixOf(const Attributes& own, Blocks blocks = {}) {
  return {own.n, own.m, static_cast<int>(own.height), static_cast<int>(own.across), blocks};
}

void computeProduct(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* x = call.input<float>(0);
  const float* values = call.input<float>(1);
  const Blocks blocks = {call.input<int32_t>(2), call.input<int32_t>(3), call.input<int32_t>(4)};
  if (!call.ok()) return;
  const int64_t inner = own.transposed ? own.m : own.n, outer = own.transposed ? own.n : own.m;
  const int64_t lines = linesOf(outer, own.transposed ? own.height : own.across);
  if (!call.require(call.rank(0) == 2 && call.dim(0, 1) == inner, "x does not fit the matrix")) return;
  if (!call.require(call.size(1) == own.size, "the values are not those of the kept blocks")) return;
  if (!call.require(call.size(2) == lines + 1 && call.size(3) == call.size(4) && blocks.pointers[lines] <= call.size(3), "the lists of blocks do not fit the matrix")) return;
  const int64_t rows = call.dim(0, 0);
  float* y = call.output({rows, outer});
  if (!y) return;
  const Matrix matrix = matrixOf(own, blocks);
  run({own.transposed ? Work::kTransposed : Work::kProduct, matrix, rows, x, values, nullptr, y}, lines, static_cast<double>(rows) * call.size(1), 0);
}

void computeGradient(void* kernel, TF_OpKernelContext* context) {
  const auto& own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* x = call.input<float>(0);
  const float* dy = call.input<float>(1);
  const Blocks blocks = {call.input<int32_t>(2), call.input<int32_t>(3), call.input<int32_t>(4)};
  if (!call.ok()) return;
  const int64_t lines = linesOf(own.n, own.height);
  if (!call.require(call.rank(0) == 2 && call.rank(1) == 2 && call.dim(0, 1) == own.n && call.dim(1, 1) == own.m && call.dim(0, 0) == call.dim(1, 0), "x and dy do not fit the matrix")) return;
  if (!call.require(call.size(2) == lines + 1 && call.size(3) == call.size(4) && blocks.pointers[lines] <= call.size(3), "the lists of blocks do not fit the matrix")) return;
  const int64_t rows = call.dim(0, 0);
  float* values = call.output({own.size});
  if (!values) return;
  std::vector<float> panels(rows * own.m);
  for (int64_t left = 0; left < own.m; left += own.across) {
    const int width = static_cast<int>(std::min(own.across, own.m - left));
    pack(dy + left, rows, own.m, width, panels.data() + rows * left);
  }
  run({Work::kGradient, matrixOf(own, blocks), rows, x, panels.data(), nullptr, values}, lines, static_cast<double>(rows) * own.size, rows * own.height);
}

void computeScale(void* kernel, TF_OpKernelContext* context) {
  auto own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* matrix = call.input<float>(0);
  const float* numbers = call.input<float>(1);
  if (!call.ok() || !call.require(call.rank(0) == 2, "the matrix has two axes")) return;
  own.n = call.dim(0, 0);
  own.m = call.dim(0, 1);
  const int64_t lines = linesOf(own.n, own.height);
  if (!call.require(call.size(1) == lines * linesOf(own.m, own.across), "there is to be a number for each block")) return;
  float* out = call.output({own.n, own.m});
  if (!out) return;
  run({Work::kScale, matrixOf(own), 0, matrix, numbers, nullptr, out}, lines, static_cast<double>(own.n) * own.m, 0);
}

void computeDots(void* kernel, TF_OpKernelContext* context) {
  auto own = *static_cast<Attributes*>(kernel);
  Call call(context);
  const float* a = call.input<float>(0);
  const float* b = call.input<float>(1);
  const float* numbers = call.input<float>(2);
  if (!call.ok() || !call.require(call.rank(0) == 2 && call.rank(1) == 2 && call.dim(0, 0) == call.dim(1, 0) && call.dim(0, 1) == call.dim(1, 1), "the matrices are of one shape")) return;
  own.n = call.dim(0, 0);
  own.m = call.dim(0, 1);
  const int64_t lines = linesOf(own.n, own.height), columns = linesOf(own.m, own.across);
  if (!call.require(call.size(2) == lines * columns, "there is to be a number for each block")) return;
  float* out = call.output({lines, columns});
  if (!out) return;
  run({Work::kDot, matrixOf(own), 0, a, b, numbers, out}, lines, static_cast<double>(own.n) * own.m, 0);
}

void anyShape(TF_ShapeInferenceContext* context, TF_Status* status) { TF_ShapeInferenceContextSetUnknownShape(context, status); }

using Names = std::initializer_list<const char*>;

void define(const char* name, Names inputs, Names attributes, void (*compute)(void*, TF_OpKernelContext*)) {
  Status status;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  TF_OpDefinitionBuilderAddOutput(op, "result: float");
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &anyShape);
  TF_RegisterOpDefinition(op, status.status);
  if (!status.isOk()) return;
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", &create, compute, &destroy), status.status);
}

struct Registration {
  Registration() {
    const Names lists = {"x: float", "values: float", "pointers: int32", "indices: int32", "starts: int32"};
    define("EspalierBlockProduct", lists, {"sizes: list(int)", "transposed: bool = false"}, &computeProduct);
    define("EspalierBlockGradient", {"x: float", "dy: float", "pointers: int32", "indices: int32", "starts: int32"},
           {"sizes: list(int)"}, &computeGradient);
    define("EspalierScaleBlocks", {"matrix: float", "numbers: float"}, {"sizes: list(int)"}, &computeScale);
    define("EspalierBlockDots", {"a: float", "b: float", "numbers: float"}, {"sizes: list(int)"}, &computeDots);
  }
} registration;

}  // namespace

// What Node looks for in an addon. There is nothing to call: the ops are TensorFlow's.
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }
