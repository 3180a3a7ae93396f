#include "cairn_train/run/distributed/ranks.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gloo/context.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace cairn::run {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPatience = 5s;  // for the others' last words
constexpr auto kPoll = 50ms;
constexpr const char* kWhy = "why";  // the key under which a rank says why all have to end
constexpr const char* kGoOn = "; the last checkpoint is whole: start the job again to go on";

std::string ended_key(int rank) { return fmt::format("ended/{}", rank); }

std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Gloo whose connections can be closed before the process ends.
class Gloo : public c10d::ProcessGroupGloo {
 public:
  using c10d::ProcessGroupGloo::ProcessGroupGloo;
  void close() {
    for (const auto& context : contexts_) context->closeConnections();
  }
};

c10::intrusive_ptr<c10d::Store> meet_at(const ProcessPlace& place, std::chrono::milliseconds wait) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.port);
  options.isServer = place.rank == 0 && !place.served_elsewhere;
  options.numWorkers = static_cast<size_t>(place.world);
  options.waitWorkers = !place.served_elsewhere;
  options.timeout = wait;
  return c10::make_intrusive<c10d::PrefixStore>(
      "cairn/" + place.attempt, c10::make_intrusive<c10d::TCPStore>(place.address, options));
}

c10::intrusive_ptr<Gloo> make_gloo(const std::string& name, const ProcessPlace& place,
                                   const c10::intrusive_ptr<c10d::Store>& store,
                                   std::chrono::milliseconds wait) {
  const auto options = c10d::ProcessGroupGloo::Options::create(wait);
  options->threads = 2;
  const auto interface = environment_variable("GLOO_SOCKET_IFNAME");
  if (interface)
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(*interface));
  else if (place.address == "127.0.0.1" || place.address == "localhost")
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  else
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<Gloo>(c10::make_intrusive<c10d::PrefixStore>(name, store), place.rank,
                                   place.world, options);
}

}  // namespace

struct Ranks::Groups {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Gloo> steps;      // what happens in the order of the program
  c10::intrusive_ptr<Gloo> gradients;  // start_sum(): along with it
#ifdef USE_C10D_NCCL
  c10::intrusive_ptr<c10d::ProcessGroup> steps_nccl, gradients_nccl;
#endif

  c10d::ProcessGroup& of(const torch::Tensor& tensor, bool in_background = false) const {
#ifdef USE_C10D_NCCL
    if (tensor.is_cuda()) return in_background ? *gradients_nccl : *steps_nccl;
#endif
    if (!tensor.is_cpu())
      throw Error(
          "this LibTorch has no NCCL, so several processes train on the CPU alone; set device=cpu");
    return in_background ? *gradients : *steps;
  }
};

Ranks::Ranks(const ProcessPlace& place, double timeout_seconds) : place_(place) {
  if (alone()) return;
  const auto wait = std::chrono::milliseconds(static_cast<int64_t>(timeout_seconds * 1000));
  if (torch::cuda::is_available()) {  // a GPU for each process of a machine
    const auto gpus = static_cast<int>(torch::cuda::device_count());
    const auto own = static_cast<c10::DeviceIndex>(place.local_rank % gpus);
    c10::impl::VirtualGuardImpl(torch::kCUDA).setDevice({torch::kCUDA, own});
  }
  groups_ = std::make_unique<Groups>();
  try {
    connect(wait);
  } catch (const std::exception& error) {
    throw Error(fmt::format(
        "rank {}: the {} processes of the job did not meet at {}:{} within {} s ({}); see "
        "MASTER_ADDR, MASTER_PORT and distributed.timeout",
        place.rank, place.world, place.address, place.port, timeout_seconds,
        first_line(error.what())));
  }
}

void Ranks::connect(std::chrono::milliseconds wait) {
#ifdef C10_USE_GLOG
  FLAGS_minloglevel = google::GLOG_FATAL;  // what c10d logs, a line a second, is in its errors
#endif
  groups_->store = meet_at(place_, wait);
  groups_->steps = make_gloo("steps", place_, groups_->store, wait);
  groups_->gradients = make_gloo("gradients", place_, groups_->store, wait);
#ifdef USE_C10D_NCCL
  if (!torch::cuda::is_available()) return;
  ::setenv("NCCL_BLOCKING_WAIT", "1", 0);  // otherwise nothing ever times out
  const auto nccl = [&](const std::string& name) {
    const auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = wait;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(
        c10::make_intrusive<c10d::PrefixStore>(name, groups_->store), place_.rank, place_.world,
        options);
  };
  groups_->steps_nccl = nccl("steps_nccl");
  groups_->gradients_nccl = nccl("gradients_nccl");
#endif
}

Ranks::Ranks() = default;
Ranks::~Ranks() = default;

void Ranks::in_step(const std::function<void()>& work) const {
  try {
    work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    explain(first_line(error.what()));
  }
}

// Every rank that still lives says so; whoever does not within kPatience is lost. The first that
// knows tells the others, so that all give the same reason.
void Ranks::explain(const std::string& what) const {
  std::string why;
  try {
    c10d::Store& store = *groups_->store;
    store.set(ended_key(rank()), bytes_of(what));
    close();
    const auto end = Clock::now() + kPatience;
    std::vector<int> silent = silent_ranks();
    while (!store.check({kWhy}) && !silent.empty() && Clock::now() < end) {
      std::this_thread::sleep_for(kPoll);
      silent = silent_ranks();
    }
    const std::string own =
        silent.empty() ? fmt::format("a connection between the {} processes broke", world())
        : silent.size() == 1
            ? fmt::format("rank {} of {} is lost", silent[0], world())
            : fmt::format("ranks {} of {} are lost or busy", fmt::join(silent, ", "), world());
    if (!store.check({kWhy}))
      store.set(kWhy, bytes_of(fmt::format("rank {}: {} ({}){}", rank(), own, what, kGoOn)));
    why = text_of(store.get(kWhy));
    wait_for_readers();
  } catch (const std::exception&) {
    // The meeting place is gone, and with it, unless torchrun keeps it, rank 0.
    why = fmt::format("rank {}: {} ({}){}", rank(),
                      place_.served_elsewhere
                          ? "the job's meeting place is gone"
                          : fmt::format("rank 0 of {} is lost or ended first", world()),
                      what, kGoOn);
  }
  const bool own = why.starts_with(fmt::format("rank {}: ", rank()));
  throw LostRank(own ? why : fmt::format("{} (rank {} ends with it)", why, rank()));
}

void Ranks::fail(const std::string& why) const {
  if (alone()) return;
  try {
    c10d::Store& store = *groups_->store;
    store.set(kWhy, bytes_of(fmt::format("rank {}: {}", rank(), why)));
    store.set(ended_key(rank()), bytes_of(why));
    close();
    wait_for_readers();
  } catch (const std::exception&) {
    // Then they will find out by themselves.
  }
}

void Ranks::close() const {
  groups_->steps->close();
  groups_->gradients->close();
}

std::vector<int> Ranks::silent_ranks() const {
  std::vector<int> silent;
  for (int other = 0; other < world(); ++other)
    if (!groups_->store->check({ended_key(other)})) silent.push_back(other);
  return silent;
}

// The meeting place lives in rank 0, which stays until the others have read why all end.
void Ranks::wait_for_readers() const {
  const auto end = Clock::now() + kPatience;
  while (first() && !silent_ranks().empty() && Clock::now() < end)
    std::this_thread::sleep_for(kPoll);
  std::this_thread::sleep_for(4 * kPoll);
}

// `start` starts an operation on a list of one contiguous tensor.
template <typename Start>
void Ranks::in_place(torch::Tensor& tensor, const Start& start) const {
  in_step([&] {
    std::vector<torch::Tensor> one{tensor.contiguous()};
    start(one)->wait();
    if (!one[0].is_same(tensor)) tensor.copy_(one[0]);
  });
}

void Ranks::sum(torch::Tensor& tensor) const {
  if (alone()) return;
  in_place(tensor, [&](auto& one) { return groups_->of(tensor).allreduce(one); });
}

double Ranks::sum(double value) const {
  torch::Tensor one = torch::full({1}, value, torch::kFloat64);
  sum(one);
  return one.item<double>();
}

double Ranks::sum(double of_first, double of_each) const {
  return sum(first() ? of_first + of_each : of_each);
}

void Ranks::max(torch::Tensor& tensor) const {
  if (alone()) return;
  c10d::AllreduceOptions options;
  options.reduceOp = c10d::ReduceOp::MAX;
  in_place(tensor, [&](auto& one) { return groups_->of(tensor).allreduce(one, options); });
}

void Ranks::from_first(torch::Tensor& tensor) const {
  if (alone() || tensor.numel() == 0) return;
  in_place(tensor, [&](auto& one) { return groups_->of(tensor).broadcast(one); });
}

std::string Ranks::from_first(const std::string& text) const {
  if (alone()) return text;
  torch::Tensor length = torch::tensor({static_cast<int64_t>(text.size())}, torch::kLong);
  from_first(length);
  torch::Tensor bytes = torch::empty({length.item<int64_t>()}, torch::kUInt8);
  if (first()) std::memcpy(bytes.data_ptr(), text.data(), text.size());
  from_first(bytes);
  return {static_cast<const char*>(bytes.data_ptr()), static_cast<size_t>(bytes.numel())};
}

std::vector<torch::Tensor> Ranks::gather(const torch::Tensor& tensor) const {
  if (alone()) return {tensor};
  std::vector<std::vector<torch::Tensor>> parts(1);
  in_step([&] {
    std::vector<torch::Tensor> one{tensor.contiguous()};
    for (int r = 0; r < world(); ++r) parts[0].push_back(torch::empty_like(one[0]));
    if (tensor.numel() > 0) groups_->of(tensor).allgather(parts, one)->wait();
  });
  return parts[0];
}

std::pair<std::vector<int64_t>, torch::Tensor> Ranks::padded(const torch::Tensor& rows) const {
  std::vector<int64_t> counts;
  for (const torch::Tensor& count : gather(torch::tensor({rows.size(0)}, torch::kLong)))
    counts.push_back(count.item<int64_t>());
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = *std::max_element(counts.begin(), counts.end());
  if (rows.size(0) == shape[0]) return {counts, rows.contiguous()};
  torch::Tensor padded = torch::zeros(shape, rows.options());
  padded.narrow(0, 0, rows.size(0)).copy_(rows);
  return {counts, padded};
}

std::vector<torch::Tensor> Ranks::gather_rows(const torch::Tensor& rows) const {
  if (alone()) return {rows};
  const auto [counts, whole] = padded(rows);
  std::vector<torch::Tensor> parts = gather(whole);
  for (size_t r = 0; r < parts.size(); ++r) parts[r] = parts[r].narrow(0, 0, counts[r]);
  return parts;
}

std::vector<torch::Tensor> Ranks::rows_at_first(const torch::Tensor& rows) const {
  if (alone()) return {rows};
  const auto [counts, whole] = padded(rows);
  std::vector<std::vector<torch::Tensor>> parts(first() ? 1 : 0);
  std::vector<torch::Tensor> one{whole};
  if (first())
    for (int r = 0; r < world(); ++r) parts[0].push_back(torch::empty_like(whole));
  in_step([&] { groups_->of(whole).gather(parts, one)->wait(); });
  if (!first()) return {};
  for (size_t r = 0; r < parts[0].size(); ++r) parts[0][r] = parts[0][r].narrow(0, 0, counts[r]);
  return parts[0];
}

std::vector<std::string> Ranks::gather(const std::string& text) const {
  if (alone()) return {text};
  torch::Tensor bytes = torch::empty({static_cast<int64_t>(text.size())}, torch::kUInt8);
  std::memcpy(bytes.data_ptr(), text.data(), text.size());
  std::vector<std::string> texts;
  for (const torch::Tensor& part : gather_rows(bytes))
    texts.emplace_back(static_cast<const char*>(part.data_ptr()),
                       static_cast<size_t>(part.numel()));
  return texts;
}

std::function<void()> Ranks::start_sum(torch::Tensor tensor) const {
  if (alone()) return [] {};
  c10::intrusive_ptr<c10d::Work> work;
  std::vector<torch::Tensor> one{tensor};
  in_step([&] { work = groups_->of(tensor, /*in_background=*/true).allreduce(one); });
  return [this, work, tensor] { in_step([&] { work->wait(); }); };
}

void Ranks::first_does(const std::function<void()>& work) const {
  if (alone()) return work();
  const std::string key = fmt::format("done/{}", first_did_++);
  if (first()) work();
  in_step([&] {
    if (first()) groups_->store->set(key, bytes_of("yes"));
    while (!groups_->store->check({key})) {
      if (groups_->store->check({kWhy})) throw std::runtime_error("rank 0 failed");
      std::this_thread::sleep_for(kPoll);
    }
  });
}

void Ranks::meet() const {
  torch::Tensor one = torch::ones({1});
  sum(one);
}

}  // namespace cairn::run
