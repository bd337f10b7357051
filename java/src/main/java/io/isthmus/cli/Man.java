package io.isthmus.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code isthmus man}: a verb's manual page on standard output, or all of them into a folder. */
@Command(
    name = "man",
    description = "Print a manual page, or write all of them into a folder.",
    footer = "Read one with: ./isthmus man run | man -l -")
final class Man implements Callable<Integer> {
  private final Console console;

  @Parameters(
      arity = "0..*",
      paramLabel = "VERB",
      description = "Verb (and its own verb, as in 'data check'); none: isthmus itself.")
  private List<String> verb = List.of();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      description = "Write the pages of all verbs there, as isthmus-<verb>.1.")
  private Path output;

  @Spec private CommandSpec spec;

  Man(Console console) {
    this.console = console;
  }

  private record Document(String page) {}

  @Override
  public Integer call() throws IOException {
    CommandLine root = Isthmus.commandLine(console);
    if (output == null) {
      String page = ManPage.of(find(root));
      console.answer(new Document(page), () -> page);
      return 0;
    }
    Files.createDirectories(output);
    List<String> written = new ArrayList<>();
    write(root, written);
    console.answer(written, () -> String.join(System.lineSeparator(), written));
    return 0;
  }

  private CommandSpec find(CommandLine root) {
    CommandLine found = root;
    for (String name : verb) {
      CommandLine next = found.getSubcommands().get(name);
      if (next == null) {
        throw new ParameterException(
            spec.commandLine(), "there is no verb '" + String.join(" ", verb) + "'");
      }
      found = next;
    }
    return found.getCommandSpec();
  }

  private void write(CommandLine command, List<String> written) throws IOException {
    Path file = output.resolve(command.getCommandSpec().qualifiedName("-") + ".1");
    Files.writeString(file, ManPage.of(command.getCommandSpec()));
    written.add(file.toString());
    for (CommandLine verb : command.getSubcommands().values()) {
      write(verb, written);
    }
  }
}
