// Several processes of one training job on this machine, without torchrun.
#pragma once

namespace cairn::apps {

// Starts this program `processes` times with the same arguments but --processes, and the variables
// that make each a rank of one job. Waits for all; where one fails, says which and why, and ends
// the others. Ctrl-C and SIGTERM end all, a second one at once. Returns the exit code. Throws Error
// where no process can be started.
int launch(int processes, int argc, char** argv);

}  // namespace cairn::apps
