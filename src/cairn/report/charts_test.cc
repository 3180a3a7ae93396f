#include "cairn/report/charts.h"

#include <gtest/gtest.h>

#include "cairn/report/html.h"

namespace cairn::report {
namespace {

TEST(html, escapes_what_could_leave_an_element_or_attribute) {
  EXPECT_EQ(escape("<b a='1' c=\"2\">&"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
}

TEST(html, encodes_base64_with_padding) {
  const auto encoded = [](const std::string& text) {
    return base64({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
}

TEST(charts, put_ticks_at_round_numbers_inside_the_range) {
  EXPECT_EQ(ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks(1, 1, 5), std::vector<double>{1});
  const std::vector<double> small = ticks(0.00013, 0.00047, 4);
  ASSERT_EQ(small.size(), 3U);
  EXPECT_DOUBLE_EQ(small[0], 0.0002);
}

TEST(charts, leave_out_lines_without_points) {
  EXPECT_EQ(line_chart("t", "x", {{"a", {}, 0, 0}}), "");
  const std::string one = line_chart("t", "x", {{"a", {}, 0, 0}, {"b", {{1, 2}}, 1, 0}});
  EXPECT_EQ(one.find("legend"), std::string::npos);
  EXPECT_NE(one.find("line s1"), std::string::npos);
}

TEST(charts, count_every_value_once_in_a_histogram) {
  EXPECT_EQ(histogram("t", "x", {{"g", "right", {}}}), "");
  const std::string chart = histogram("t", "x", {{"g", "right", {0, 1, 1}}, {"<h>", "wrong", {1}}});
  EXPECT_NE(chart.find("g: 1 from"), std::string::npos);
  EXPECT_NE(chart.find("g: 2 from"), std::string::npos);
  EXPECT_NE(chart.find("&lt;h&gt;: 1 from"), std::string::npos);
  EXPECT_NE(chart.find("g (3)"), std::string::npos);
}

}  // namespace
}  // namespace cairn::report
