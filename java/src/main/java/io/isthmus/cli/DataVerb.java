package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.NamedData;
import io.isthmus.data.DataSetInfo;
import io.isthmus.data.DataSets;
import io.isthmus.data.FileCheck;
import io.isthmus.data.OfficialFile;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code isthmus data}: the data sets with a name. */
@Command(
    name = "data",
    description = "List the data sets, check their files, and say where to get them.",
    subcommands = {DataVerb.Names.class, DataVerb.Check.class, DataVerb.Where.class})
final class DataVerb implements Callable<Integer> {
  @Spec private CommandSpec spec;

  DataVerb(Console console) {}

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "say what: list, check or where");
  }

  /** {@code data list}. */
  @Command(name = "list", description = "List the data sets with a name.")
  static final class Names implements Callable<Integer> {
    private final Console console;

    Names(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      List<DataSetInfo> sets = DataSets.catalogue();
      console.answer(
          sets,
          () -> sets.stream().map(Names::line).collect(Collectors.joining(System.lineSeparator())));
      return 0;
    }

    private static String line(DataSetInfo info) {
      NamedData set = info.set();
      return "%-14s %d training and %d test images of %dx%dx%d, %d classes%s: %s"
          .formatted(
              set.key(),
              set.trainCount(),
              set.testCount(),
              set.channels(),
              set.height(),
              set.width(),
              set.classes(),
              info.bundled() ? ", comes with Isthmus" : "",
              info.title());
    }
  }

  /** {@code data check}. */
  @Command(
      name = "check",
      description = {
        "Compare the files of a data set with the published ones.",
        "",
        "Ends with exit code 65 if one is missing or damaged."
      })
  static final class Check implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "NAME", description = "Name of the data set ('isthmus data list').")
    private String name;

    @Option(
        names = "--folder",
        paramLabel = "DIR",
        description = "Where the files lie (default: see 'isthmus data where').")
    private String folder;

    private record Document(String name, boolean usable, List<FileCheck> files) {}

    Check(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      List<FileCheck> files = DataSets.check(name, folder);
      boolean sound =
          files.stream()
              .allMatch(
                  file ->
                      file.state() == FileCheck.State.OK
                          || file.state() == FileCheck.State.UNVERIFIED);
      console.answer(
          new Document(name, sound, files),
          () ->
              files.isEmpty()
                  ? name + " comes with Isthmus; there is nothing to check"
                  : files.stream()
                      .map(FileCheck::line)
                      .collect(Collectors.joining(System.lineSeparator())));
      return (sound ? ExitCode.OK : ExitCode.DATA).status();
    }
  }

  /** {@code data where}. */
  @Command(
      name = "where",
      description = "Say where the files of a data set come from and where they belong.")
  static final class Where implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "NAME", description = "Name of the data set ('isthmus data list').")
    private String name;

    private record Document(
        String name, String source, Path folder, String licence, List<OfficialFile> files) {}

    Where(Console console) {
      this.console = console;
    }

    @Override
    public Integer call() {
      DataSetInfo info = DataSets.info(name);
      Path folder = DataSets.folder(name, null);
      console.answer(
          new Document(
              name, info.source(), info.bundled() ? null : folder, info.licence(), info.files()),
          () -> text(info, folder));
      return 0;
    }

    private String text(DataSetInfo info, Path folder) {
      if (info.bundled()) {
        return "%s comes with Isthmus%n%s".formatted(name, info.licence());
      }
      String files =
          info.files().stream()
              .map(file -> "  " + file.name())
              .collect(Collectors.joining(System.lineSeparator()));
      return "source: %s%nfolder: %s (or the configuration's data.folder)%nfiles:%n%s%n%s"
          .formatted(info.source(), folder, files, info.licence());
    }
  }
}
