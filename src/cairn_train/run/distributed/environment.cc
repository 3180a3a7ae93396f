#include "cairn_train/run/distributed/environment.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

constexpr int kMostProcesses = 65536;

int whole(const std::string& name, const std::string& text, int low, int high) {
  int value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < low || value > high)
    throw Error(fmt::format("the environment's {}={} must be a whole number from {} to {}", name,
                            text, low, high));
  return value;
}

class Reader {
 public:
  explicit Reader(const Environment& variable) : variable_(variable) {}

  std::string text(const std::string& name) const {
    const auto value = variable_(name);
    if (!value || value->empty())
      throw Error(fmt::format(
          "the environment makes this process one of several, but {} is not set; start the job by "
          "torchrun, srun or cairn train --processes N",
          name));
    return *value;
  }
  bool has(const std::string& name) const { return variable_(name).has_value(); }
  int number(const std::string& name, int low, int high) const {
    return whole(name, text(name), low, high);
  }
  int number_or(const std::string& name, int otherwise, int low, int high) const {
    return has(name) ? number(name, low, high) : otherwise;
  }

 private:
  const Environment& variable_;
};

std::string slurm_address(const Reader& read) {
  if (read.has("MASTER_ADDR")) return read.text("MASTER_ADDR");
  const bool one_machine = read.has("SLURM_NNODES") && read.text("SLURM_NNODES") == "1";
  if (one_machine) return "127.0.0.1";
  // Where srun was called is where rank 0 runs only if that is a machine of the job; the list of
  // machines is always right where it is set.
  for (const char* list : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"})
    if (read.has(list)) return first_host(read.text(list));
  return read.text("SLURM_LAUNCH_NODE_IPADDR");
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string first_host(const std::string& list) {
  const size_t bracket = list.find('[');
  const size_t comma = list.find(',');
  if (comma < bracket || bracket == std::string::npos) return list.substr(0, comma);
  const size_t end = list.find_first_of("-,]", bracket);
  return list.substr(0, bracket) + list.substr(bracket + 1, end - bracket - 1);
}

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool found = probe >= 0 &&
                     ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (probe >= 0) ::close(probe);
  if (!found) throw Error(fmt::format("no free port on this machine ({})", std::strerror(errno)));
  return ::ntohs(address.sin_port);
}

ProcessPlace place_of_process(const Environment& variable) {
  const Reader read(variable);
  ProcessPlace place;
  const bool by_slurm = !read.has("RANK") && !read.has("WORLD_SIZE") && read.has("SLURM_PROCID") &&
                        read.has("SLURM_NTASKS");
  if (!by_slurm && !read.has("RANK") && !read.has("WORLD_SIZE")) return place;
  place.world = read.number(by_slurm ? "SLURM_NTASKS" : "WORLD_SIZE", 1, kMostProcesses);
  place.rank = read.number(by_slurm ? "SLURM_PROCID" : "RANK", 0, place.world - 1);
  if (place.world == 1) return place;
  place.local_rank =
      read.number_or(by_slurm ? "SLURM_LOCALID" : "LOCAL_RANK", 0, 0, place.world - 1);
  // Of the whole job where Slurm says it; this step may be smaller.
  place.local_world =
      std::min(place.world, read.number_or(by_slurm ? "SLURM_NTASKS_PER_NODE" : "LOCAL_WORLD_SIZE",
                                           1, 1, kMostProcesses));
  place.address = by_slurm ? slurm_address(read) : read.text("MASTER_ADDR");
  place.port = read.number_or("MASTER_PORT", place.port, 1, 65535);
  if (read.has("TORCHELASTIC_USE_AGENT_STORE"))
    place.served_elsewhere = read.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (place.served_elsewhere && read.has("TORCHELASTIC_RESTART_COUNT"))
    place.attempt = read.text("TORCHELASTIC_RESTART_COUNT");
  return place;
}

}  // namespace cairn::run
