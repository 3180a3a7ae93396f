#include "cairn_train/run/distributed/environment.h"

#include <gtest/gtest.h>

#include <map>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

ProcessPlace place_of(const std::map<std::string, std::string>& variables) {
  return place_of_process([&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

TEST(Environment, without_a_launcher_a_process_is_alone) {
  EXPECT_EQ(place_of({}).world, 1);
  EXPECT_EQ(place_of({{"LOCAL_RANK", "3"}, {"SLURM_JOB_ID", "7"}}).world, 1);
}

TEST(Environment, torchrun_and_kubernetes_say_rank_world_and_meeting_place) {
  const ProcessPlace place = place_of({{"RANK", "5"},
                                       {"WORLD_SIZE", "8"},
                                       {"LOCAL_RANK", "1"},
                                       {"LOCAL_WORLD_SIZE", "4"},
                                       {"MASTER_ADDR", "job-master-0"},
                                       {"MASTER_PORT", "23456"},
                                       {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                       {"TORCHELASTIC_RESTART_COUNT", "2"},
                                       {"SLURM_PROCID", "0"},
                                       {"SLURM_NTASKS", "2"}});
  EXPECT_EQ(place.rank, 5);
  EXPECT_EQ(place.world, 8);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.local_world, 4);
  EXPECT_EQ(place.address, "job-master-0");
  EXPECT_EQ(place.port, 23456);
  EXPECT_TRUE(place.served_elsewhere);
  EXPECT_EQ(place.attempt, "2");
}

TEST(Environment, slurm_says_the_same_in_its_own_words) {
  std::map<std::string, std::string> variables = {{"SLURM_PROCID", "3"},
                                                  {"SLURM_NTASKS", "4"},
                                                  {"SLURM_LOCALID", "1"},
                                                  {"SLURM_NTASKS_PER_NODE", "2"},
                                                  {"SLURM_LAUNCH_NODE_IPADDR", "10.0.0.9"}};
  EXPECT_EQ(place_of(variables).address, "10.0.0.9");
  variables.emplace("SLURM_JOB_NODELIST", "gpu[07-09,12],x1");
  const ProcessPlace place = place_of(variables);
  EXPECT_EQ(place.rank, 3);
  EXPECT_EQ(place.world, 4);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.local_world, 2);
  EXPECT_EQ(place.address, "gpu07");
  EXPECT_EQ(place.port, 29500);
  // A step that is smaller than the job.
  variables.emplace("SLURM_STEP_NODELIST", "gpu[09,12]");
  variables.erase("SLURM_NTASKS_PER_NODE");
  variables.emplace("SLURM_NTASKS_PER_NODE", "8");
  EXPECT_EQ(place_of(variables).address, "gpu09");
  EXPECT_EQ(place_of(variables).local_world, 4);
  variables.emplace("SLURM_NNODES", "1");
  EXPECT_EQ(place_of(variables).address, "127.0.0.1");
}

TEST(Environment, the_first_host_of_a_list_is_found_in_all_its_forms) {
  EXPECT_EQ(first_host("node1"), "node1");
  EXPECT_EQ(first_host("node1,node2"), "node1");
  EXPECT_EQ(first_host("node[1,3-5]"), "node1");
  EXPECT_EQ(first_host("a,node[1-5]"), "a");
}

TEST(Environment, half_a_job_or_an_impossible_rank_names_its_variable) {
  const auto message_of = [](const std::map<std::string, std::string>& variables) {
    try {
      place_of(variables);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message_of({{"RANK", "0"}}).find("WORLD_SIZE"), std::string::npos);
  EXPECT_NE(message_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}}).find("RANK=2"), std::string::npos);
  EXPECT_NE(message_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}}).find("MASTER_ADDR"),
            std::string::npos);
  EXPECT_NE(message_of(
                {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "http"}})
                .find("MASTER_PORT=http"),
            std::string::npos);
}

}  // namespace
}  // namespace cairn::run
