// Words in pictures.
#ifndef MASKD_CLIENT_MASKCTL_LETTERING_H_
#define MASKD_CLIENT_MASKCTL_LETTERING_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "client/maskctl/png_file.h"

namespace maskd {

// Draws `text`, of lower-case letters that labels have and spaces, in dark grey:
// centred at column `center`, on the line of row `baseline`, letters without
// ascenders being `x_height` pixels high. What lies outside is cut off.
void DrawText(absl::string_view text, double center, double baseline, double x_height, Picture& picture);

// Width of that in pixels.
double TextWidth(absl::string_view text, double x_height);

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKCTL_LETTERING_H_
