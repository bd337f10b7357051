package io.isthmus.cli;

import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code isthmus import}: state dictionaries and ends of paths of any origin as minima of a run.
 */
@Command(
    name = "import",
    description = {
      "Bring state dictionaries into a run as minima, in place of training.",
      "",
      "Reads HDF5 and safetensors with the keys and shapes of PyTorch; not .pt, which is a pickle and"
          + " would run code (java/exchange/convert_pt.py turns it into safetensors). Each file"
          + " becomes the first minimum that is not there yet. Of a path, whose tensors have the"
          + " pivots as their first axis, both ends do; 'isthmus connect DIR 1 2 --from FILE' then"
          + " goes on from it."
    })
final class ImportVerb implements Callable<Integer> {
  private final Console console;

  @Parameters(arity = "1..*", paramLabel = "FILE", description = "State dictionary or path.")
  private List<Path> files;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      required = true,
      description = "Run directory; a new one needs --config.")
  private Path folder;

  @Option(
      names = {"-c", "--config"},
      paramLabel = "CONFIG",
      description = "Configuration of a new run; may be repeated, the later wins.")
  private List<Path> configs = List.of();

  ImportVerb(Console console) {
    this.console = console;
  }

  private record Document(Path directory, List<Integer> numbers) {}

  @Override
  public Integer call() {
    try (RunDirectory run = open()) {
      List<List<Integer>> minima = new ArrayList<>();
      Work.in(
          run,
          console,
          experiment -> {
            files.forEach(file -> minima.add(experiment.adopt(file)));
            return null;
          });
      console.answer(
          new Document(folder, minima.stream().flatMap(List::stream).toList()),
          () ->
              IntStream.range(0, files.size())
                  .mapToObj(i -> sentence(files.get(i), minima.get(i)))
                  .collect(Collectors.joining(System.lineSeparator())));
      return 0;
    }
  }

  private static String sentence(Path file, List<Integer> minima) {
    return minima.size() == 1
        ? "%s is minimum %d".formatted(file, minima.get(0))
        : "the ends of %s are minima %d and %d".formatted(file, minima.get(0), minima.get(1));
  }

  private RunDirectory open() {
    if (configs.isEmpty()) {
      return RunDirectory.resume(folder);
    }
    ConfigurationArguments arguments = new ConfigurationArguments(configs);
    return RunDirectory.open(folder, arguments.load(console), arguments.given());
  }
}
