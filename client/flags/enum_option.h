// Options whose values are names.
#ifndef MASKD_CLIENT_FLAGS_ENUM_OPTION_H_
#define MASKD_CLIENT_FLAGS_ENUM_OPTION_H_

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace maskd {

// Adds an option that sets `value` to the enumerator of the name given; any
// case. `value`, which must outlive the command, is the first of `names` if the
// option is not given.
template <typename Enum>
CLI::Option* AddEnumOption(CLI::App& command, const std::string& name, Enum& value,
                           const std::vector<std::pair<std::string, Enum>>& names,
                           const std::string& description) {
  std::string list;
  for (const auto& [key, unused] : names) list += (list.empty() ? "" : ", ") + key;
  value = names.front().second;
  return command
      .add_option_function<std::string>(
          name,
          [&value, name, names, list](const std::string& given) {
            for (const auto& [key, enumerator] : names) {
              if (CLI::detail::to_lower(given) == key) {
                value = enumerator;
                return;
              }
            }
            throw CLI::ValidationError(name, "\"" + given + "\" is none of " + list);
          },
          description + ": " + list)
      ->type_name("NAME")
      ->default_str(names.front().first);
}

}  // namespace maskd

#endif  // MASKD_CLIENT_FLAGS_ENUM_OPTION_H_
