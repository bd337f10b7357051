package io.isthmus.store;

import tools.jackson.core.JacksonException;

/** Why a JSON document could not be read, for the middle of a sentence. */
final class JsonReason {
  private JsonReason() {}

  /** The parser's reason on one line, without its notes on where the text came from. */
  static String of(RuntimeException failure) {
    String reason =
        failure instanceof JacksonException jackson
            ? jackson.getOriginalMessage()
            : failure.getMessage();
    return String.valueOf(reason)
        .replaceAll("\\s+", " ")
        .replaceAll(" ?\\(start marker at .*", "")
        .strip();
  }
}
