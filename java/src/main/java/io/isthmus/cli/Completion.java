package io.isthmus.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;

/** {@code isthmus completion}: the script that lets a shell complete verbs and options. */
@Command(
    name = "completion",
    description = "Print a completion script for bash and zsh.",
    footer = "Use it with: source <(./isthmus completion)")
final class Completion implements Callable<Integer> {
  private final Console console;

  Completion(Console console) {
    this.console = console;
  }

  private record Document(String script) {}

  @Override
  public Integer call() {
    String script = AutoComplete.bash("isthmus", Isthmus.commandLine(console));
    console.answer(new Document(script), () -> script);
    return 0;
  }
}
