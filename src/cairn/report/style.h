// The style sheet of the page.
#pragma once

namespace cairn::report {

extern const char* const kStyle;

}  // namespace cairn::report
