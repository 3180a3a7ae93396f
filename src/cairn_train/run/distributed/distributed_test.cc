#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/nn/layers.h"
#include "cairn_train/run/distributed/across_ranks.h"
#include "cairn_train/run/distributed/autograd.h"
#include "cairn_train/run/distributed/gradient_buckets.h"
#include "cairn_train/run/distributed/split_softmax.h"
#include "cairn_train/run/distributed/testing/processes.h"
#include "cairn_train/run/forward.h"

namespace cairn::run {
namespace {

using testing::kDone;
using testing::run_ranks;

std::vector<int> all_done(int world) { return std::vector<int>(static_cast<size_t>(world), kDone); }

bool close(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 1e-6) {
  return a.sizes() == b.sizes() && torch::allclose(a, b, tolerance, tolerance);
}

TEST(Ranks, sums_gathers_and_broadcasts_reach_every_rank) {
  const auto codes = run_ranks(3, [](const Ranks& ranks) {
    const int r = ranks.rank();
    EXPECT_EQ(ranks.sum(1.5 + r), 1.5 * 3 + 3);
    torch::Tensor largest = torch::tensor({1.0F * r, -1.0F * r});
    ranks.max(largest);
    EXPECT_TRUE(close(largest, torch::tensor({2.0F, 0.0F})));
    // Rank 1 has no rows.
    const torch::Tensor own = torch::full({r == 1 ? 0 : r + 1, 2}, r);
    EXPECT_TRUE(close(torch::cat(ranks.gather_rows(own)),
                      torch::cat({torch::full({1, 2}, 0), torch::full({3, 2}, 2)})));
    EXPECT_EQ(ranks.rows_at_first(own).size(), r == 0 ? 3U : 0U);
    const std::string name = r == 1 ? "" : "rank " + std::to_string(r);
    EXPECT_EQ(ranks.gather(name), (std::vector<std::string>{"rank 0", "", "rank 2"}));
    EXPECT_EQ(ranks.from_first(std::string(r == 0 ? "hello" : "")), "hello");
    int done = 0;
    ranks.first_does([&] { ++done; });
    EXPECT_EQ(done, r == 0 ? 1 : 0);
    // Nobody goes on before it is done, the second time too.
    const auto started = std::chrono::steady_clock::now();
    ranks.first_does([] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); });
    EXPECT_GT(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(200));
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(3));
}

TEST(Ranks, a_rank_that_is_gone_ends_the_others_with_its_number) {
  const auto codes = run_ranks(3, [](const Ranks& ranks) {
    ranks.meet();
    if (ranks.rank() == 1) std::_Exit(kDone);
    if (ranks.rank() == 2) std::this_thread::sleep_for(std::chrono::seconds(3));  // in a long step
    try {
      for (int i = 0; i < 10; ++i) ranks.meet();
      ADD_FAILURE() << "nobody noticed";
    } catch (const LostRank& error) {
      EXPECT_NE(std::string(error.what()).find("rank 1 of 3 is lost"), std::string::npos)
          << error.what();
    }
    std::_Exit(::testing::Test::HasFailure() ? testing::kUnmet : kDone);
  });
  EXPECT_EQ(codes, all_done(3));
}

TEST(Ranks, writing_to_a_rank_that_is_gone_is_not_the_end_of_the_process) {
  const auto codes = run_ranks(2, [](const Ranks& ranks) {
    std::raise(SIGPIPE);
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(2));
}

TEST(Ranks, a_rank_that_hangs_ends_the_others_after_the_timeout) {
  const auto started = std::chrono::steady_clock::now();
  const auto codes = run_ranks(
      2,
      [](const Ranks& ranks) {
        ranks.meet();
        if (ranks.rank() == 1) {
          std::this_thread::sleep_for(std::chrono::seconds(12));
          std::_Exit(kDone);
        }
        EXPECT_THROW(ranks.meet(), LostRank);
        std::_Exit(::testing::Test::HasFailure() ? testing::kUnmet : kDone);
      },
      2);
  EXPECT_EQ(codes, all_done(2));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));
}

// Even those that are busy meanwhile.
TEST(Ranks, why_one_failed_is_what_the_others_say) {
  for (const int failing : {0, 1}) {
    const auto codes = run_ranks(3, [&](const Ranks& ranks) {
      ranks.meet();
      if (ranks.rank() == failing) throw Error("the disk is full");
      if (ranks.rank() == 2) std::this_thread::sleep_for(std::chrono::seconds(1));
      try {
        ranks.meet();
      } catch (const LostRank& error) {
        const std::string expected = "rank " + std::to_string(failing) + ": the disk is full";
        EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
        std::_Exit(::testing::Test::HasFailure() ? testing::kUnmet : kDone);
      }
    });
    std::vector<int> expected = all_done(3);
    expected[static_cast<size_t>(failing)] = testing::kThrew;
    EXPECT_EQ(codes, expected);
  }
}

TEST(Ranks, another_recipe_on_one_rank_is_an_error_on_all) {
  const auto codes = run_ranks(2, [](const Ranks& ranks) {
    EXPECT_NO_THROW(require_agreement(ranks, "recipe", "same"));
    EXPECT_THROW(require_agreement(ranks, "recipe", std::to_string(ranks.rank())), Error);
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(2));
}

TEST(GradientBuckets, give_each_rank_the_sum_while_backward_runs) {
  const auto codes = run_ranks(2, [](const Ranks& ranks) {
    torch::manual_seed(1);
    const std::vector<torch::Tensor> weights = {
        torch::randn({30, 8}, torch::requires_grad()), torch::randn({30}, torch::requires_grad()),
        torch::randn({5, 30}, torch::requires_grad()), torch::randn({7}, torch::requires_grad()),
        torch::randn({3}, torch::requires_grad())};
    // The fourth is used by rank 1 alone, the last by nobody.
    const auto loss = [&](int rank, int pass) {
      torch::manual_seed(10 * pass + rank);
      const torch::Tensor hidden =
          torch::relu(torch::linear(torch::randn({4, 8}), weights[0], weights[1]));
      const torch::Tensor out = torch::linear(hidden, weights[2]).square().sum();
      return rank == 1 ? out + weights[3].sum() : out;
    };
    std::vector<torch::Tensor> used(weights.begin(), weights.end() - 1);
    const auto expected =
        torch::autograd::grad({loss(0, 0) + loss(1, 0) + loss(0, 1) + loss(1, 1)}, used);
    GradientBuckets buckets(ranks, weights, 700);
    EXPECT_GT(buckets.buckets(), 2U);
    loss(ranks.rank(), 0).backward();  // a pass that only adds
    buckets.start();
    loss(ranks.rank(), 1).backward();
    buckets.finish();
    // Of the largest: how sums that cancel round, the BLAS decides.
    for (size_t i = 0; i < used.size(); ++i)
      EXPECT_LE((used[i].grad() - expected[i]).abs().max().item<float>(),
                1e-5F * expected[i].abs().max().item<float>());
    EXPECT_FALSE(weights.back().grad().defined());
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(2));
}

TEST(GradientBuckets, leave_before_backward_ends) {
  const auto codes = run_ranks(2, [](const Ranks& ranks) {
    std::vector<torch::Tensor> weights;
    for (int i = 0; i < 6; ++i) weights.push_back(torch::randn({4, 4}, torch::requires_grad()));
    GradientBuckets buckets(ranks, weights, 100);
    torch::Tensor x = torch::ones({2, 4});
    for (const torch::Tensor& weight : weights) x = torch::linear(x, weight);
    buckets.start();
    x.sum().backward();
    EXPECT_EQ(buckets.overlapped(), buckets.buckets());
    buckets.finish();
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(2));
}

TEST(SplitSoftmax, losses_and_gradients_are_those_of_the_whole_classifier) {
  const auto codes = run_ranks(3, [](const Ranks& ranks) {
    constexpr int64_t kClasses = 11;
    constexpr int64_t kRows = 7;
    for (const loss::ClassLossOptions& options :
         {loss::ClassLossOptions{}, loss::ClassLossOptions{2.0, 0.0},
          loss::ClassLossOptions{0.0, 0.2}}) {
      torch::manual_seed(4);
      const torch::Tensor all =
          torch::randn({kRows, 6}, torch::requires_grad());  // every rank shows some of them
      const torch::Tensor whole = (3 * torch::randn({kClasses, 6})).set_requires_grad(true);
      const torch::Tensor labels = torch::randint(kClasses, {kRows}, torch::kLong);
      const torch::Tensor expected = loss::class_losses(torch::linear(all, whole), labels, options);
      const torch::Tensor weights = torch::arange(1, kRows + 1).to(torch::kFloat);
      const auto wanted = torch::autograd::grad({(expected * weights).sum()}, {all, whole});

      const Slice rows = slice_of(kRows, ranks.rank(), ranks.world());
      const Slice classes = slice_of(kClasses, ranks.rank(), ranks.world());
      const torch::Tensor own =
          all.detach().narrow(0, rows.begin, rows.size()).clone().set_requires_grad(true);
      const torch::Tensor part =
          whole.detach().narrow(0, classes.begin, classes.size()).clone().set_requires_grad(true);
      const torch::Tensor logits = torch::linear(gather_rows(own, ranks), part);
      const torch::Tensor losses =
          split_class_losses(logits, labels_in(classes, labels), kClasses, ranks, options);
      EXPECT_TRUE(close(losses, expected, 1e-5));
      EXPECT_TRUE(close(log_sum_exp(logits, ranks), torch::linear(all, whole).logsumexp(1), 1e-5));
      ((losses * weights).sum() / ranks.world()).backward();
      EXPECT_TRUE(close(own.grad(), wanted[0].narrow(0, rows.begin, rows.size()), 1e-5));
      EXPECT_TRUE(close(part.grad(), wanted[1].narrow(0, classes.begin, classes.size()), 1e-5));
    }
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(3));
}

TEST(SplitSoftmax, a_part_of_a_head_starts_with_the_rows_of_the_whole_one) {
  torch::manual_seed(2);
  loss::CosineHead whole(4, 10000, 2);
  const torch::Tensor next = torch::rand({3});
  for (const Slice part : {Slice{0, 3000}, Slice{3000, 10000}}) {
    torch::manual_seed(2);
    loss::CosineHead head(4, 10000, 2, loss::Similarity::kCosine, part);
    EXPECT_TRUE(
        torch::equal(head.weight(), whole.weight().narrow(0, 2 * part.begin, 2 * part.size())));
    EXPECT_TRUE(torch::equal(torch::rand({3}), next));
  }
}

// Images (the fast way), images in another layout, and vectors; ranks with unequal parts.
TEST(SynchronisedBatchNorm, is_the_batch_norm_of_the_whole_batch) {
  const auto codes = run_ranks(2, [](const Ranks& ranks) {
    const RanksBatch batch(ranks);
    for (const int kind : {0, 1, 2}) {
      torch::manual_seed(3);
      torch::Tensor x = kind == 2 ? torch::randn({5, 6}) : torch::randn({5, 6, 4, 3});
      x = x * 2 + 3;
      nn::BatchNorm whole(6, {}, nn::Activation::kSilu);
      nn::BatchNorm shared(6, {}, nn::Activation::kSilu);
      shared.share(&batch);
      const auto layout =
          kind == 0 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
      const torch::Tensor all = x.clone().contiguous(layout).set_requires_grad(true);
      const torch::Tensor expected = whole.forward(all);
      (expected * expected.sin()).sum().backward();

      const Slice rows = slice_of(5, ranks.rank(), 2);
      const torch::Tensor own =
          x.narrow(0, rows.begin, rows.size()).clone().contiguous(layout).set_requires_grad(true);
      const torch::Tensor y = shared.forward(own);
      (y * y.sin()).sum().backward();
      EXPECT_TRUE(close(y, expected.narrow(0, rows.begin, rows.size()), 1e-5));
      EXPECT_TRUE(close(own.grad(), all.grad().narrow(0, rows.begin, rows.size()), 1e-4));
      for (const auto& entry : shared.named_parameters()) {
        torch::Tensor sum = entry.value().grad().clone();
        ranks.sum(sum);
        EXPECT_TRUE(close(sum, whole.named_parameters()[entry.key()].grad(), 1e-4)) << entry.key();
      }
      for (const auto& entry : shared.named_buffers())
        EXPECT_TRUE(close(entry.value(), whole.named_buffers()[entry.key()], 1e-5)) << entry.key();
    }
    ranks.meet();
  });
  EXPECT_EQ(codes, all_done(2));
}

// The gradients of Σ cos(embeddings) over all ranks, by parameter, for these images.
std::vector<torch::Tensor> gradients_of(nn::EmbeddingNet& net, const torch::Tensor& images) {
  net.zero_grad();
  net.forward(images).cos().sum().backward();
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : net.parameters())
    gradients.push_back(parameter.grad().defined() ? parameter.grad().clone() : torch::Tensor());
  return gradients;
}

// How far the gradients are from those of float64, of their length; the largest of any parameter.
double error_of(const std::vector<torch::Tensor>& gradients,
                const std::vector<torch::Tensor>& exact) {
  double most = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    if (!exact[i].defined()) continue;
    const double length = exact[i].norm().item<double>();
    if (length < 1e-6) continue;
    most = std::max(most, (gradients[i] - exact[i]).norm().item<double>() / length);
  }
  return most;
}

// In float32 a deep network with random weights gives one process, too, gradients that are some
// percent off; several must not be farther off.
TEST(SynchronisedBatchNorm, a_deep_network_has_the_gradients_of_the_whole_batch) {
  for (const char* backbone : {"resnet18", "resnet50"}) {
    const auto codes = run_ranks(2, [&](const Ranks& ranks) {
      torch::set_num_threads(1);
      const RanksBatch batch(ranks);
      const auto make = [&] {
        torch::manual_seed(5);
        nn::NetOptions options;
        options.backbone = backbone;
        options.neck = "fc-bn";
        options.embedding_dim = 16;
        return std::make_unique<nn::EmbeddingNet>(options);
      };
      constexpr int64_t kPhotos = 9;
      torch::manual_seed(6);
      const torch::Tensor images = torch::randn({kPhotos, 3, 64, 64});
      const auto exact_net = make();
      exact_net->to(torch::kFloat64);
      const auto exact = gradients_of(*exact_net, images.to(torch::kFloat64));
      const auto one_net = make();
      keep_channels_last(*one_net);
      const auto last = torch::MemoryFormat::ChannelsLast;
      const auto one = gradients_of(*one_net, images.contiguous(last));

      const auto net = make();
      keep_channels_last(*net);
      nn::share_batch_norms(*net, &batch);
      const Slice rows = slice_of(kPhotos, ranks.rank(), ranks.world());
      auto several = gradients_of(*net, images.narrow(0, rows.begin, rows.size()).contiguous(last));
      for (torch::Tensor& gradient : several)
        if (gradient.defined()) ranks.sum(gradient);
      const double usual = error_of(one, exact);
      const double found = error_of(several, exact);
      EXPECT_LT(found, 4 * usual);
      for (const auto& entry : net->named_buffers()) {
        const torch::Tensor buffer = exact_net->named_buffers()[entry.key()];
        EXPECT_TRUE(torch::allclose(entry.value().to(torch::kFloat64), buffer.to(torch::kFloat64),
                                    1e-3, 1e-4))
            << entry.key();
      }
      ranks.meet();
    });
    EXPECT_EQ(codes, all_done(2));
  }
}

}  // namespace
}  // namespace cairn::run
