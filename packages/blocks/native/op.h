// What ops of ours want of TensorFlow's C interface, and how they share their work out over threads.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <thread>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace espalier {

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
  std::vector<int64_t> shape(int at) const {
    std::vector<int64_t> dims(rank(at));
    for (int axis = 0; axis < rank(at); axis++) dims[axis] = dim(at, axis);
    return dims;
  }

  float* output(int at, const std::vector<int64_t>& dims) {
    int64_t count = 1;
    for (int64_t length : dims) count *= length;
    TF_Tensor* tensor = TF_AllocateOutput(context_, at, TF_FLOAT, dims.data(), static_cast<int>(dims.size()), sizeof(float) * count, status_.status);
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

// As many as TensorFlow computes with, as it is told when this is loaded.
inline int threadCount() {
  const char* given = getenv("TF_NUM_INTRAOP_THREADS");
  const int asked = given ? atoi(given) : 0;
  const int there = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(asked > 0 ? asked : there, there));
}

inline const int mostThreads = threadCount();

// Parts of a whole, each given to whoever asks first.
class Shares {
 public:
  Shares(int64_t count, int64_t share) : count_(count), share_(share) {}
  bool next(int64_t& from, int64_t& to) {
    from = taken_.fetch_add(share_);
    to = std::min(count_, from + share_);
    return from < count_;
  }

 private:
  std::atomic<int64_t> taken_{0};
  const int64_t count_, share_;
};

// Making a thread takes some 30 µs: what a processor does of `work`, in multiply-adds, in ten times as long.
constexpr double kWorthAThread = 2e6;

// What a number that is read from memory, or written there, takes, in multiply-adds.
constexpr double kOfMemory = 3;

// Calls `body` with the shares of a whole, on as many threads as are worth it.
template <typename Body>
void inShares(int64_t count, double work, const Body& body) {
  const int threads = static_cast<int>(std::min<double>({static_cast<double>(mostThreads), static_cast<double>(count), 1 + work / kWorthAThread}));
  if (threads <= 1) {
    Shares whole(count, std::max<int64_t>(1, count));
    return body(whole);
  }
  Shares shares(count, std::max<int64_t>(1, count / (8 * threads)));
  std::vector<std::thread> others;
  for (int i = 1; i < threads; i++) others.emplace_back([&] { body(shares); });
  body(shares);
  for (auto& other : others) other.join();
}

using Names = std::initializer_list<const char*>;

// Registers an op and its kernel on the processor; one whose name is taken already stays as it is.
inline void define(const char* name, Names inputs, Names outputs, Names attributes, void* (*create)(TF_OpKernelConstruction*), void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  Status status;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, [](TF_ShapeInferenceContext* context, TF_Status* inferred) {
    TF_ShapeInferenceContextSetUnknownShape(context, inferred);
  });
  TF_RegisterOpDefinition(op, status.status);
  if (!status.isOk()) return;
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, destroy), status.status);
}

}  // namespace espalier
