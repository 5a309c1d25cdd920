// A flag that names a file in PEM.
#ifndef MASKD_PROTO_PEM_OPTION_H_
#define MASKD_PROTO_PEM_OPTION_H_

#include <CLI/CLI.hpp>
#include <string>

namespace maskd {

// Adds an option to `command` that sets `text` to the text of the file. One that cannot be
// read, or has nothing in PEM, is a wrong flag: without it no TLS would be spoken.
CLI::Option* AddPemOption(CLI::App& command, const char* name, std::string& text, const char* description);

}  // namespace maskd

#endif  // MASKD_PROTO_PEM_OPTION_H_
