#include "proto/pem_option.h"

#include <fstream>
#include <iterator>

namespace maskd {
namespace {

// Throws what CLI11 prints of a wrong `flag`.
std::string ReadPem(const char* flag, const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) throw CLI::ValidationError(flag, "cannot read " + path);
  if (text.empty()) throw CLI::ValidationError(flag, path + " is empty");
  if (text.find("-----BEGIN ") == std::string::npos)
    throw CLI::ValidationError(flag, path + " is not in PEM: it has no line -----BEGIN ..");
  return text;
}

}  // namespace

CLI::Option* AddPemOption(CLI::App& command, const char* name, std::string& text, const char* description) {
  return command
      .add_option_function<std::string>(
          name, [name, &text](const std::string& path) { text = ReadPem(name, path); }, description)
      ->check(CLI::ExistingFile);
}

}  // namespace maskd
