#include "cairn/embed/shard.h"

#include <gtest/gtest.h>

#include <map>

#include "cairn/base/error.h"

namespace cairn::embed {
namespace {

using Variables = std::map<std::string, std::string>;

Shard in_environment(const Variables& variables) {
  return shard_from_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Shard, pieces_follow_one_another_and_differ_by_one_at_most) {
  for (const size_t photos : {0, 1, 5, 6, 7, 1000}) {
    for (const size_t count : {1, 3, 6}) {
      size_t next = 0;
      for (size_t index = 0; index < count; ++index) {
        const auto [begin, end] = Shard{index, count}.range(photos);
        EXPECT_EQ(begin, next);
        EXPECT_LE(end - begin, photos / count + 1);
        EXPECT_GE(end - begin, photos / count);
        next = end;
      }
      EXPECT_EQ(next, photos);
    }
  }
}

TEST(Shard, is_read_from_text_and_wrong_text_is_refused) {
  const Shard shard = parse_shard("2/8");
  EXPECT_EQ(shard.index, 2u);
  EXPECT_EQ(shard.count, 8u);
  EXPECT_EQ(shard.folder(), "shard-2-of-8");
  EXPECT_TRUE(parse_shard("0/1").whole());
  for (const char* wrong : {"", "2", "8/8", "9/8", "-1/8", "0/0", "1/2/3", "a/b", "1 /2", "0/",
                            "/4", "0/99999999", "0/99999999999999999999999"}) {
    EXPECT_THROW(parse_shard(wrong), Error) << wrong;
  }
}

TEST(Shard, comes_from_what_torchrun_kubernetes_and_slurm_set) {
  EXPECT_TRUE(in_environment({}).whole());
  EXPECT_EQ(in_environment({{"RANK", "3"}, {"WORLD_SIZE", "4"}}).folder(), "shard-3-of-4");
  EXPECT_EQ(in_environment({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}}).folder(),
            "shard-1-of-2");
  EXPECT_EQ(in_environment(
                {{"RANK", "0"}, {"WORLD_SIZE", "3"}, {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}})
                .folder(),
            "shard-0-of-3");
}

TEST(Shard, half_an_environment_or_a_rank_beyond_the_job_is_refused) {
  for (const Variables& wrong :
       {Variables{{"RANK", "3"}}, Variables{{"WORLD_SIZE", "3"}},
        Variables{{"RANK", "3"}, {"WORLD_SIZE", "3"}}, Variables{{"RANK", ""}, {"WORLD_SIZE", "2"}},
        Variables{{"SLURM_PROCID", "x"}, {"SLURM_NTASKS", "2"}}}) {
    EXPECT_THROW(in_environment(wrong), Error);
  }
}

}  // namespace
}  // namespace cairn::embed
