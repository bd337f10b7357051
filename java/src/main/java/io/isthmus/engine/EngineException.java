package io.isthmus.engine;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;

/** A call the native engine refused, with its reason in one sentence. */
public final class EngineException extends IsthmusException {
  private static final long serialVersionUID = 1L;

  /** What the caller can do about it; {@code ist_status} of the C API. */
  public enum Status {
    /** The caller broke a documented rule: a bug in the caller. */
    INVALID_ARGUMENT(ExitCode.INTERNAL),
    /** Host or device memory is too small: fewer points or a smaller batch. */
    OUT_OF_MEMORY(ExitCode.UNAVAILABLE),
    /** Backend, precision or model is not available here: choose another. */
    UNSUPPORTED(ExitCode.UNAVAILABLE),
    /** The device or its library failed; the engine refuses further work. */
    DEVICE_ERROR(ExitCode.UNAVAILABLE),
    /** A bug in the engine. */
    INTERNAL(ExitCode.INTERNAL);

    private final ExitCode code;

    Status(ExitCode code) {
      this.code = code;
    }
  }

  private final Status status;

  EngineException(Status status, String message, Throwable cause) {
    this(status, status.code, message, cause);
  }

  private EngineException(Status status, ExitCode code, String message, Throwable cause) {
    super(code, message, cause);
    this.status = status;
  }

  /**
   * The same refusal where the argument was the user's, without the name of the C function: what is
   * invalid is not a bug.
   */
  EngineException ofUser() {
    return new EngineException(
        status,
        status == Status.INVALID_ARGUMENT ? ExitCode.USAGE : code(),
        getMessage()
            .replaceFirst("^ist_model_create: spec ", "model ")
            .replaceFirst("^ist_engine_create: ", ""),
        this);
  }

  /** Why the engine refused. */
  public Status status() {
    return status;
  }
}
