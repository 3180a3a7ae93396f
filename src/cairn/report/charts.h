// Charts as inline SVG. Colours are the classes s0 … s5 of the page's style sheet.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace cairn::report {

struct Line {
  std::string name;
  std::vector<std::array<double, 2>> points;  // x, y; by rising x; finite
  size_t colour = 0;
  size_t dash = 0;  // 0: solid, 1: dashed, 2: dotted
};

// A figure with a title, axes, a legend where there is more than one line, and the values as
// tooltips. Lines without points are left out; empty where none has points.
std::string line_chart(const std::string& title, const std::string& x_name,
                       const std::vector<Line>& lines);

struct Group {
  std::string name;
  std::string style;  // CSS class
  std::vector<double> values;
};

// Stacked counts of each group in equal intervals. Empty where there are no values.
std::string histogram(const std::string& title, const std::string& x_name,
                      const std::vector<Group>& groups);

// Round numbers that cover [low, high] in about `count` steps.
std::vector<double> ticks(double low, double high, int count);

}  // namespace cairn::report
