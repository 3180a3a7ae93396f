// The logger: lines on stderr. The only global of the project.
#pragma once

#include <string>

namespace cairn {

enum class LogLevel { kQuiet, kWarning, kInfo, kDebug };

void set_log_level(LogLevel level);
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_debug(const std::string& message);

}  // namespace cairn
