#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <new>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/engine/interpreter.h"
#include "cairn/engine/model_impl.h"
#include "cairn/engine/plan/plan.h"

namespace cairn::engine {
namespace {

std::string shape_text(const Shape& shape) {
  std::vector<std::string> dims;
  for (const int64_t dim : shape) dims.push_back(dim < 0 ? "?" : std::to_string(dim));
  return fmt::format("{}", fmt::join(dims, "x"));
}

void check_input(const Graph& graph, const ValueInfo& input, const Tensor& tensor) {
  const auto fail = [&](const std::string& why) {
    throw Error(fmt::format("{}: input \"{}\" {}", graph.file, input.name, why));
  };
  if (tensor.dtype() != input.dtype)
    fail(fmt::format("is {}, the model wants {}", dtype_name(tensor.dtype()),
                     dtype_name(input.dtype)));
  if (!input.has_shape) return;
  bool fits = tensor.shape().size() == input.shape.size();
  for (size_t i = 0; fits && i < input.shape.size(); ++i)
    fits = input.shape[i] < 0 || input.shape[i] == tensor.shape()[i];
  if (!fits)
    fail(fmt::format("has the shape {}, the model wants {}", shape_text(tensor.shape()),
                     shape_text(input.shape)));
}

// Holds OpenMP, and with it oneDNN, to the calling thread.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// What a plan is made for.
struct PlanKey {
  std::vector<Shape> shapes;  // of the graph inputs, in order
  std::vector<std::string> outputs;
  bool operator==(const PlanKey&) const = default;
};

struct CachedPlan {
  PlanKey key;
  std::unique_ptr<Plan> plan;  // null: shapes depend on data in a way that only interpreting serves
};

}  // namespace

struct Executor::Impl {
  Impl(std::shared_ptr<const Model> m, Precision p) : model(std::move(m)), precision(p) {}

  std::shared_ptr<const Model> model;
  Precision precision;
  std::list<CachedPlan> plans;  // the last used first
  std::shared_ptr<char> arena;
  size_t arena_bytes = 0;

  const Graph& graph() const { return model->impl().graph; }
  void check(const TensorMap& inputs, std::vector<std::string>& outputs) const;
  CachedPlan& plan_for(const TensorMap& inputs, const std::vector<std::string>& outputs);
  std::optional<TensorMap> run_plan(const TensorMap& inputs,
                                    const std::vector<std::string>& outputs);
  char* arena_of(size_t bytes);
};

Executor::Executor(std::shared_ptr<const Model> model, Precision precision)
    : impl_(std::make_unique<Impl>(std::move(model), precision)) {}
Executor::~Executor() = default;
Executor::Executor(const Executor& other) : Executor(other.impl_->model, other.impl_->precision) {}

const Model& Executor::model() const { return *impl_->model; }

// Throws for wrong inputs; fills in the outputs where the caller wants all.
void Executor::Impl::check(const TensorMap& inputs, std::vector<std::string>& outputs) const {
  for (const auto& [name, tensor] : inputs)
    if (std::none_of(graph().inputs.begin(), graph().inputs.end(),
                     [&name = name](const ValueInfo& input) { return input.name == name; }))
      throw Error(fmt::format("{}: the model has no input \"{}\"", graph().file, name));
  for (const ValueInfo& input : graph().inputs) {
    const auto given = inputs.find(input.name);
    if (given == inputs.end())
      throw Error(fmt::format("{}: input \"{}\" is missing", graph().file, input.name));
    check_input(graph(), input, given->second);
  }
  if (outputs.empty())
    for (const ValueInfo& output : graph().outputs) outputs.push_back(output.name);
  for (const std::string& name : outputs)
    if (!graph().is_output(name))
      throw Error(fmt::format("{}: the model has no output \"{}\"", graph().file, name));
  std::sort(outputs.begin(), outputs.end());
  outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
}

CachedPlan& Executor::Impl::plan_for(const TensorMap& inputs,
                                     const std::vector<std::string>& outputs) {
  PlanKey key;
  key.outputs = outputs;
  for (const ValueInfo& input : graph().inputs) key.shapes.push_back(inputs.at(input.name).shape());
  const auto found = std::find_if(plans.begin(), plans.end(),
                                  [&](const CachedPlan& cached) { return cached.key == key; });
  if (found != plans.end()) {
    plans.splice(plans.begin(), plans, found);
    return plans.front();
  }
  auto plan = std::make_unique<Plan>(graph(), model->impl().weights, inputs, outputs, precision);
  plans.push_front({std::move(key), std::move(plan)});
  if (plans.size() > kMaxPlans) plans.pop_back();
  return plans.front();
}

char* Executor::Impl::arena_of(size_t bytes) {
  constexpr size_t kPage = 4096;
  if (bytes > arena_bytes || arena == nullptr) {
    arena_bytes = (bytes / kPage + 1) * kPage;
    arena.reset();  // before the new one is made
    void* memory = std::aligned_alloc(kPage, arena_bytes);
    if (memory == nullptr) throw std::bad_alloc();
    arena = std::shared_ptr<char>(static_cast<char*>(memory), std::free);
  }
  return arena.get();
}

// The planned run; nothing where the shapes turn out to depend on the data.
std::optional<TensorMap> Executor::Impl::run_plan(const TensorMap& inputs,
                                                  const std::vector<std::string>& outputs) {
  const OneThread one_thread;
  try {
    CachedPlan& cached = plan_for(inputs, outputs);
    if (cached.plan == nullptr) return std::nullopt;
    try {
      return cached.plan->run(inputs, arena_of(cached.plan->arena_bytes()));
    } catch (const PlanMismatch&) {
      cached.plan.reset();
      return std::nullopt;
    }
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("{}: oneDNN: {}", graph().file, error.what()));
  }
}

TensorMap Executor::run(const TensorMap& inputs, const std::vector<std::string>& outputs) {
  std::vector<std::string> wanted = outputs;
  impl_->check(inputs, wanted);
  if (impl_->model->impl().optimise)
    if (auto results = impl_->run_plan(inputs, wanted)) return std::move(*results);
  return interpret(impl_->graph(), inputs, wanted);
}

std::vector<Executor::StepCost> Executor::measure(const TensorMap& inputs,
                                                  const std::vector<std::string>& outputs) {
  std::vector<std::string> wanted = outputs;
  impl_->check(inputs, wanted);
  std::vector<StepCost> steps;
  if (!impl_->model->impl().optimise) return steps;
  const OneThread one_thread;
  const CachedPlan& cached = impl_->plan_for(inputs, wanted);
  if (cached.plan == nullptr) return steps;
  std::vector<double> seconds;
  cached.plan->measure(inputs, impl_->arena_of(cached.plan->arena_bytes()), seconds);
  for (const auto& step : cached.plan->steps())
    steps.push_back({step->label, step->detail, step->flops, step->int8,
                     cached.plan->bytes_of(*step), seconds[steps.size()]});
  return steps;
}

Executor::PlanSummary Executor::summarise(const TensorMap& inputs,
                                          const std::vector<std::string>& outputs) {
  std::vector<std::string> wanted = outputs;
  impl_->check(inputs, wanted);
  PlanSummary summary;
  if (!impl_->model->impl().optimise) return summary;
  const OneThread one_thread;
  const CachedPlan& cached = impl_->plan_for(inputs, wanted);
  if (cached.plan == nullptr) return summary;
  summary.reorders = cached.plan->reorders();
  summary.peak_bytes = cached.plan->arena_bytes();
  for (const auto& step : cached.plan->steps()) {
    ++summary.steps;
    ++summary.labels[step->label];
  }
  return summary;
}

}  // namespace cairn::engine
