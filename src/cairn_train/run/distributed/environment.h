// Which process of a job this one is, by the variables that its launcher set.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace cairn::run {

struct ProcessPlace {
  int rank = 0;
  int world = 1;        // processes of the job
  int local_rank = 0;   // among those of this machine: its GPU
  int local_world = 1;  // processes on this machine, as far as known: they share its cores
  std::string address;  // where rank 0 listens
  int port = 29500;
  // torchrun keeps the meeting place itself; then rank 0 must not open one.
  bool served_elsewhere = false;
  std::string attempt;  // torchrun's count of restarts: names its meeting place
};

// A variable of the environment, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> environment_variable(const std::string& name);

// RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT, LOCAL_WORLD_SIZE as torchrun, Kubernetes'
// PyTorchJob and --processes of `cairn train` set them; else Slurm's SLURM_PROCID, SLURM_NTASKS,
// SLURM_LOCALID, SLURM_NTASKS_PER_NODE, with the first of SLURM_STEP_NODELIST or
// SLURM_JOB_NODELIST, or SLURM_LAUNCH_NODE_IPADDR, for the address. One process where none of them
// is set. Throws Error that names the variable which is missing or impossible.
ProcessPlace place_of_process(const Environment& variable = environment_variable);

// A port of this machine that nobody uses now. Throws Error.
int free_port();

// The first host of a Slurm list: "gpu[07-09,12],x1" → "gpu07".
std::string first_host(const std::string& list);

}  // namespace cairn::run
