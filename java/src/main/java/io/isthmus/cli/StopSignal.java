package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Turns SIGTERM, SIGINT and SIGUSR1 into a request to stop, while it is open: work in hand writes a
 * checkpoint and ends with exit code 75. A second signal ends the process at once, with the same
 * code; what was saved before stays.
 */
final class StopSignal implements BooleanSupplier, AutoCloseable {
  private static final List<String> SIGNALS = List.of("TERM", "INT", "USR1");

  private final Map<Signal, SignalHandler> former = new LinkedHashMap<>();
  private final Console console;
  private volatile boolean requested;

  StopSignal(Console console) {
    this.console = console;
    for (String name : SIGNALS) {
      Signal signal = new Signal(name);
      former.put(signal, Signal.handle(signal, this::received));
    }
  }

  private void received(Signal signal) {
    if (requested) {
      Runtime.getRuntime().halt(ExitCode.STOPPED.status());
    }
    requested = true;
    console.note(
        "SIG" + signal.getName() + ": stopping after a checkpoint; once more to stop at once");
  }

  @Override
  public boolean getAsBoolean() {
    return requested;
  }

  @Override
  public void close() {
    new ArrayList<>(former.keySet()).forEach(signal -> Signal.handle(signal, former.get(signal)));
  }
}
