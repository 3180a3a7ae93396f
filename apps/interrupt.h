// Ctrl-C and SIGTERM as a question that long work asks.
#pragma once

namespace cairn::apps {

// From now on the first SIGINT or SIGTERM makes interrupted() true; a second one ends the process
// at once.
void catch_interrupts();
bool interrupted();

}  // namespace cairn::apps
