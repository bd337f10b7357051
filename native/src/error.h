// error.h - the one exception of the native code; isthmus_api.cpp turns it into a status and ist_last_error().
#pragma once

#include <stdexcept>
#include <string>

#include "isthmus/isthmus.h"

namespace ist {

class Error : public std::runtime_error {
  public:
    Error(ist_status status, const std::string &text) : std::runtime_error(text), status(status) {}
    ist_status status;
};

} // namespace ist
