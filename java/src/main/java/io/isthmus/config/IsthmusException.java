package io.isthmus.config;

import java.util.Objects;

/**
 * The root of all errors a user may see. The message is one sentence that says what is wrong,
 * where, and what to do; the {@link #code} is what the process ends with.
 */
public class IsthmusException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ExitCode code;

  /** An error with its whole story in {@code message}. */
  public IsthmusException(ExitCode code, String message) {
    this(code, message, null);
  }

  /** An error whose cause is kept for {@code --debug}; {@code message} must stand without it. */
  public IsthmusException(ExitCode code, String message, Throwable cause) {
    super(Objects.requireNonNull(message), cause);
    this.code = Objects.requireNonNull(code);
  }

  /** What the process ends with when nobody handles this. */
  public ExitCode code() {
    return code;
  }
}
