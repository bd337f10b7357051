package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import org.assertj.core.api.AbstractStringAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What a user gets to see: one sentence and the right exit code, never anything else. */
final class Sentences {
  private Sentences() {}

  static AbstractStringAssert<?> data(ThrowingCallable call) {
    return sentence(ExitCode.DATA, call);
  }

  static AbstractStringAssert<?> io(ThrowingCallable call) {
    return sentence(ExitCode.IO, call);
  }

  static AbstractStringAssert<?> usage(ThrowingCallable call) {
    return sentence(ExitCode.USAGE, call);
  }

  static AbstractStringAssert<?> diverged(ThrowingCallable call) {
    return sentence(ExitCode.DIVERGED, call);
  }

  private static AbstractStringAssert<?> sentence(ExitCode code, ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).isInstanceOf(IsthmusException.class);
    assertThat(((IsthmusException) thrown).code()).as(thrown.getMessage()).isEqualTo(code);
    return assertThat(thrown.getMessage()).endsWith(".").doesNotContain("\n", "null", "Exception");
  }
}
