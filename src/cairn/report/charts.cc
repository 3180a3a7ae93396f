#include "cairn/report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/report/html.h"

namespace cairn::report {
namespace {

// The drawing, in SVG units; the page scales it.
constexpr double kWidth = 360;
constexpr double kHeight = 210;
constexpr double kLeft = 52;
constexpr double kRight = kWidth - 12;
constexpr double kTop = 10;
constexpr double kBottom = kHeight - 38;
constexpr size_t kColours = 6;
constexpr size_t kDashes = 3;
constexpr size_t kBins = 30;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // A range of one value gets a width.
  void widen() {
    if (high > low) return;
    const double margin = low == 0 ? 0.5 : std::abs(low) / 2;
    low -= margin;
    high += margin;
  }
};

// Where a value lies between two edges of the drawing.
struct Scale {
  Range range;
  double from, to;
  double operator()(double value) const {
    return from + (value - range.low) / (range.high - range.low) * (to - from);
  }
};

std::string number(double value) {
  if (value != 0 && (std::abs(value) < 1e-3 || std::abs(value) >= 1e6)) {
    return fmt::format("{:.2g}", value);
  }
  return fmt::format("{:.4g}", value);
}

std::string axes(const Scale& x, const Scale& y, const std::string& x_name) {
  std::string svg;
  for (const double tick : ticks(y.range.low, y.range.high, 4)) {
    svg += fmt::format(R"(<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)"
                       R"(<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>)",
                       kLeft, kRight, y(tick), kLeft - 6, y(tick) + 4, number(tick));
  }
  for (const double tick : ticks(x.range.low, x.range.high, 5)) {
    svg += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x(tick),
                       kBottom + 16, number(tick));
  }
  return svg + fmt::format(R"(<line class="axis" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>)"
                           R"(<text x="{3}" y="{4}" text-anchor="middle">{5}</text>)",
                           kLeft, kRight, kBottom, (kLeft + kRight) / 2, kHeight - 6,
                           escape(x_name));
}

std::string figure(const std::string& title, const std::string& svg, const std::string& legend) {
  return fmt::format(R"(<figure><figcaption>{0}</figcaption><svg viewBox="0 0 {1} {2}" role="img" )"
                     R"(aria-label="{0}">{3}</svg>{4}</figure>)"
                     "\n",
                     escape(title), kWidth, kHeight, svg,
                     legend.empty() ? "" : "<p class=\"legend\">" + legend + "</p>");
}

std::string draw_line(const Line& line, const Scale& x, const Scale& y) {
  const size_t colour = line.colour % kColours;
  std::string path;
  std::string dots;
  for (const auto& [px, py] : line.points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(px), y(py));
    dots += fmt::format(
        R"(<circle class="dot f{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}, {}: {}</title></circle>)",
        colour, x(px), y(py), line.points.size() > 40 ? 1.5 : 2.5, escape(line.name), number(px),
        number(py));
  }
  return fmt::format(R"(<path class="line s{} d{}" d="{}"/>{})", colour, line.dash % kDashes, path,
                     dots);
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(1, count);
  if (!(rough > 0) || !std::isfinite(rough)) return {low};
  const double magnitude = std::pow(10.0, std::floor(std::log10(rough)));
  double step = magnitude * 10;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (magnitude * factor >= rough) step = magnitude * factor;
  }
  std::vector<double> result;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) {
    result.push_back(i * step + 0.0);  // not -0
  }
  return result;
}

std::string line_chart(const std::string& title, const std::string& x_name,
                       const std::vector<Line>& lines) {
  Range x_range;
  Range y_range;
  for (const Line& line : lines) {
    for (const auto& [x, y] : line.points) {
      x_range.include(x);
      y_range.include(y);
    }
  }
  if (!(x_range.low <= x_range.high)) return "";
  if (y_range.low > 0 && y_range.low < y_range.high / 2) y_range.low = 0;
  x_range.widen();
  y_range.widen();
  const Scale x{x_range, kLeft, kRight};
  const Scale y{y_range, kBottom, kTop};
  std::string svg = axes(x, y, x_name);
  std::string legend;
  size_t drawn = 0;
  for (const Line& line : lines) {
    if (line.points.empty()) continue;
    ++drawn;
    svg += draw_line(line, x, y);
    legend += fmt::format(R"(<span><i class="b{} e{}"></i>{}</span> )", line.colour % kColours,
                          line.dash % kDashes, escape(line.name));
  }
  return figure(title, svg, drawn > 1 ? legend : "");
}

std::string histogram(const std::string& title, const std::string& x_name,
                      const std::vector<Group>& groups) {
  Range range;
  for (const Group& group : groups) {
    for (const double value : group.values) range.include(value);
  }
  if (!(range.low <= range.high)) return "";
  range.widen();
  std::vector<std::vector<size_t>> counts(groups.size(), std::vector<size_t>(kBins));
  std::vector<size_t> totals(kBins);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const double value : groups[g].values) {
      const double position = (value - range.low) / (range.high - range.low) * kBins;
      const size_t bin = std::min(kBins - 1, static_cast<size_t>(position));
      ++counts[g][bin];
      ++totals[bin];
    }
  }
  const Scale x{range, kLeft, kRight};
  const auto most = static_cast<double>(*std::max_element(totals.begin(), totals.end()));
  const Scale y{{0, most}, kBottom, kTop};
  std::string svg = axes(x, y, x_name);
  const double bin_width = (range.high - range.low) / static_cast<double>(kBins);
  for (size_t bin = 0; bin < kBins; ++bin) {
    const double start = range.low + static_cast<double>(bin) * bin_width;
    size_t below = 0;
    for (size_t g = 0; g < groups.size(); ++g) {
      if (counts[g][bin] == 0) continue;
      const double top = y(static_cast<double>(below + counts[g][bin]));
      svg += fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">)"
                         R"(<title>{}: {} from {} to {}</title></rect>)",
                         groups[g].style, x(start) + 0.5, top, x(start + bin_width) - x(start) - 1,
                         y(static_cast<double>(below)) - top, escape(groups[g].name),
                         counts[g][bin], number(start), number(start + bin_width));
      below += counts[g][bin];
    }
  }
  std::string legend;
  for (const Group& group : groups) {
    legend += fmt::format(R"(<span><i class="{}"></i>{} ({})</span> )", group.style,
                          escape(group.name), group.values.size());
  }
  return figure(title, svg, legend);
}

}  // namespace cairn::report
