package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.experiment.PlaneRequest;
import io.isthmus.experiment.Summary;
import io.isthmus.neb.Pair;
import io.isthmus.report.Figure;
import io.isthmus.report.Gallery;
import io.isthmus.report.Reading;
import io.isthmus.report.Report;
import io.isthmus.report.ResultTable;
import io.isthmus.report.RunSummary;
import io.isthmus.report.Subject;
import io.isthmus.store.RunDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code isthmus report}: results of runs, finished or not. */
@Command(
    name = "report",
    description = {
      "Print the result table of one run or several; with --write also renew each run's tables,"
          + " figures and report.html.",
      "",
      "With --figure draw one figure instead: as SVG, as PNG, and its numbers as CSV."
    })
final class ReportVerb implements Callable<Integer> {
  /** What the table is written as. */
  enum Format {
    /** For reading. */
    TERMINAL,
    /** All numbers in full. */
    CSV,
    /** Everything known about runs and pairs. */
    JSON,
    /** For a page. */
    MARKDOWN,
    /** For a paper. */
    LATEX
  }

  /** Figures that show a plane, which is evaluated when it is missing. */
  private static final Set<String> PLANES = Set.of("1", "plane");

  /** What a saddle's numbers are in the tables for readers. */
  enum SaddleReading {
    /** Each metric's own maximum along the path. */
    MAXIMA(Reading.OWN_MAXIMUM),
    /** Every metric at the point of highest training loss. */
    POINT(Reading.AT_HIGHEST_TRAINING_LOSS);

    private final Reading reading;

    SaddleReading(Reading reading) {
      this.reading = reading;
    }
  }

  private final Console console;

  @Parameters(arity = "1..*", paramLabel = "DIR", description = "Run directory.")
  private List<Path> folders;

  @Option(
      names = {"-f", "--format"},
      paramLabel = "FORMAT",
      defaultValue = "terminal",
      description = "terminal, csv, json, markdown or latex (default: ${DEFAULT-VALUE}).")
  private Format format;

  @Option(
      names = "--saddle",
      paramLabel = "READING",
      defaultValue = "maxima",
      description =
          "In terminal, markdown and latex: maxima (each metric's own along the path) or point (all"
              + " metrics at the highest training loss); csv and json have both (default:"
              + " ${DEFAULT-VALUE}).")
  private SaddleReading saddle;

  @Option(
      names = "--statistics",
      paramLabel = "CONVENTION",
      description =
          "In the same: batch-norm statistics recomputed or interpolated (default: what each run"
              + " judges by).")
  private StatisticsConvention statistics;

  @Option(
      names = {"-w", "--write"},
      description = "Write tables/, figures/ and report.html of each run anew.")
  private boolean write;

  @Option(
      names = "--figure",
      paramLabel = "N|NAME",
      description =
          "Draw this figure of the paper (1 to 8), or one by its name, such as disconnectivity; one"
              + " that does not exist lists them.")
  private String figure;

  @Option(
      names = "--pair",
      paramLabel = "A-B",
      description =
          "With --figure: the pair of minima it shows (default: that of the tree's highest"
              + " saddle).")
  private String pair;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      description = "With --figure: where its files go (default: figures/ in the first DIR).")
  private Path output;

  ReportVerb(Console console) {
    this.console = console;
  }

  /** A figure and its files. */
  private record Drawing(String name, String title, String caption, Path svg, Path png, Path csv) {}

  /** What {@code --figure} answers: what was drawn, and a sentence for each part that was not. */
  private record Document(List<Drawing> figures, List<String> missing) {}

  @Override
  public Integer call() {
    if (figure == null && (pair != null || output != null)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          (pair == null ? "--output" : "--pair") + " belongs to a figure; say which with --figure");
    }
    if (figure != null) {
      return draw();
    }
    List<RunSummary> summaries = new ArrayList<>();
    for (Path folder : folders) {
      RunSummary summary = Summary.of(RunDirectory.view(folder));
      summaries.add(summary);
      if (write) {
        console.note("written: " + Report.write(summary, folder));
      }
    }
    ResultTable table = ResultTable.of(summaries, Optional.ofNullable(statistics), saddle.reading);
    console.answer(Json.read(table.json()), () -> text(table));
    return 0;
  }

  private int draw() {
    Optional<Pair> asked = Optional.ofNullable(pair).map(ReportVerb::pair);
    List<Subject> subjects = new ArrayList<>();
    for (Path folder : folders) {
      Subject subject = new Subject(folder, Summary.of(RunDirectory.view(folder)), asked);
      subjects.add(PLANES.contains(figure) ? withPlane(subject) : subject);
    }
    Gallery.Drawn drawn = Gallery.draw(figure, subjects);
    Path target = output != null ? output : folders.get(0).resolve("figures");
    List<Drawing> drawings = new ArrayList<>();
    for (Figure each : drawn.figures()) {
      Report.FigureFiles files = Report.write(each, target);
      drawings.add(
          new Drawing(
              each.name(), each.title(), each.caption(), files.svg(), files.png(), files.csv()));
    }
    drawn.missing().forEach(console::note);
    console.answer(
        new Document(drawings, drawn.missing()),
        () ->
            drawings.stream()
                .flatMap(each -> Stream.of(each.svg(), each.png(), each.csv()))
                .map(Path::toString)
                .collect(Collectors.joining(System.lineSeparator())));
    return ExitCode.OK.status();
  }

  /**
   * The subject with the plane of its path, which is evaluated now if it is missing. Where it
   * cannot be, the other parts of the figure are drawn, if it has any.
   */
  private Subject withPlane(Subject subject) {
    if (subject.run().path(subject.connection()).isEmpty() || subject.plane().isPresent()) {
      return subject;
    }
    try (RunDirectory run = RunDirectory.resume(subject.folder())) {
      Pair chosen = subject.connection().pair();
      Work.in(run, console, experiment -> experiment.plane(chosen, PlaneRequest.OPEN));
      return new Subject(subject.folder(), Summary.of(run), subject.pair());
    } catch (IsthmusException failed) {
      if (failed.code() == ExitCode.STOPPED || figure.equals("plane")) {
        throw failed;
      }
      console.note(failed.getMessage());
      return subject;
    }
  }

  /** Reads a pair such as {@code 1-2}. */
  static Pair pair(String text) {
    Matcher numbers = Pattern.compile("(\\d{1,9})-(\\d{1,9})").matcher(text);
    if (!numbers.matches()) {
      throw new IsthmusException(
          ExitCode.USAGE, "'%s' is no pair of minima; write it like 1-2".formatted(text));
    }
    int from = Integer.parseInt(numbers.group(1));
    int to = Integer.parseInt(numbers.group(2));
    if (from < 1 || to < 1 || from == to) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "a pair is two different minima, numbered from 1, but got %d and %d".formatted(from, to));
    }
    return Pair.of(from, to);
  }

  private String text(ResultTable table) {
    return switch (format) {
      case TERMINAL -> table.terminal(console.colours());
      case CSV -> table.csv();
      case JSON -> table.json();
      case MARKDOWN -> table.markdown();
      case LATEX -> table.latex();
    };
  }
}
