package io.isthmus.report;

import io.isthmus.config.DidYouMean;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.neb.CycleResult;
import io.isthmus.report.RunSummary.Connection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Every figure a report can be asked for, by its number in the paper (Draxler et al. 2018) and by
 * its name: the one place that knows how each is drawn.
 *
 * <p>A new figure takes one line in {@link #ENTRIES}: {@link #each} for a figure of one run, {@link
 * #joint} for one that shows several runs together. Its painter draws from {@link Subject#run()}
 * alone; where the run lacks what the figure shows it throws {@link Missing} with a sentence that
 * names the command which makes it. Figures of one number are parts of the same figure of the
 * paper; asked for by number, all parts are drawn for which there are data. Everything that can be
 * drawn also goes into {@code figures/} of every run, by {@link Report#write}.
 */
public final class Gallery {
  private static final List<Entry> ENTRIES =
      List.of(
          each(1, "plane", "loss on the plane through the path, and along it", Gallery::plane),
          each(1, "profile", "loss on the straight line and along the path", Gallery::profile),
          each(2, "relaxation", "a path on a surface as it relaxes", Gallery::relaxation),
          each(3, "insertion", "where a cycle's path gets new pivots", Gallery::insertion),
          each(4, "tree-steps", "the graph and its tree, path by path", Gallery::treeSteps),
          joint(5, "minima-and-saddles", "minima and saddles of the runs", Gallery::overview),
          each(6, "evolution", "loss along the path after four cycles", Gallery::evolution),
          each(7, "learning-curve", "training and the saddle's height", Gallery::learningCurve),
          joint(8, "xor", "barriers between minima that learned XOR", Gallery::xor),
          joint(0, "size", "minima and saddles by size of the network", Gallery::size),
          each(0, "baselines", "AutoNEB beside other ways to connect minima", Gallery::baselines),
          each(0, "graph", "the minima, the computed paths and their tree", Gallery::graph),
          each(0, "disconnectivity", "which minima join at which height", Gallery::disconnectivity),
          each(0, "cycles", "the highest loss of every path after each cycle", Gallery::cycles),
          several("curvature", "eigenvalues and curvature along paths", Gallery::curvature),
          several("ensemble", "networks of a path that predict together", Gallery::ensemble));

  private Gallery() {}

  /** Draws a figure. */
  @FunctionalInterface
  public interface Painter {
    /**
     * The figure of these runs, as one or several drawings.
     *
     * @param subjects at least one run
     * @throws Missing if the runs do not hold what it shows
     */
    List<Figure> draw(List<Subject> subjects);
  }

  /** Draws a figure of one run. */
  @FunctionalInterface
  public interface RunPainter {
    /**
     * The figure of a run.
     *
     * @throws Missing if the run does not hold what it shows
     */
    Figure draw(Subject subject);
  }

  /**
   * A figure that can be asked for.
   *
   * @param number of the paper's figure that it redraws; 0 for a figure the paper does not have
   * @param name the word for it; the files of a figure that a run has once are called so
   * @param shows what it shows, in a few words
   * @param painter draws it
   */
  public record Entry(int number, String name, String shows, Painter painter) {
    /** For instance {@code 3 (insertion)}. */
    String label() {
      return number > 0 ? number + " (" + name + ")" : name;
    }
  }

  /**
   * What came of a request.
   *
   * @param figures what was drawn, at least one
   * @param missing a sentence for each part that could not be drawn
   */
  public record Drawn(List<Figure> figures, List<String> missing) {}

  /** All figures: those of the paper by rising number, then the others. */
  public static List<Entry> entries() {
    return ENTRIES;
  }

  /**
   * Draws a figure of the runs: for one run its files are called as in the run's own {@code
   * figures/}; for several a figure of one run is drawn for each and the run's folder is put before
   * its name.
   *
   * @param asked a number of the paper's figures or a name
   * @throws IsthmusException USAGE if there is no such figure
   * @throws Missing if the runs hold nothing of what it shows
   */
  public static Drawn draw(String asked, List<Subject> subjects) {
    List<Figure> figures = new ArrayList<>();
    List<Missing> missing = new ArrayList<>();
    for (Entry entry : find(asked)) {
      try {
        figures.addAll(entry.painter().draw(subjects));
      } catch (Missing lacking) {
        missing.add(lacking);
      }
    }
    if (figures.isEmpty()) {
      throw missing.get(0);
    }
    return new Drawn(figures, missing.stream().map(Missing::getMessage).toList());
  }

  /** Everything that can be drawn of a run on its own. */
  static List<Figure> of(RunSummary run) {
    Subject subject = new Subject(Path.of(""), run, Optional.empty());
    List<Figure> figures = new ArrayList<>();
    for (Entry entry : ENTRIES) {
      try {
        figures.addAll(entry.painter().draw(List.of(subject)));
      } catch (Missing nothingToShow) {
        continue; // no run has everything
      }
    }
    return figures;
  }

  /** The figures of a number, or that of a name. */
  private static List<Entry> find(String asked) {
    List<Entry> found =
        ENTRIES.stream()
            .filter(e -> e.name().equals(asked) || e.number() > 0 && asked.equals("" + e.number()))
            .toList();
    if (found.isEmpty()) {
      List<String> names = ENTRIES.stream().map(Entry::name).toList();
      throw new IsthmusException(
          ExitCode.USAGE,
          "there is no figure %s%s; there are %s"
              .formatted(
                  asked,
                  asked.matches("\\d+") ? "" : DidYouMean.hint(asked, new TreeSet<>(names)),
                  ENTRIES.stream().map(Entry::label).collect(Collectors.joining(", "))));
    }
    return found;
  }

  /** A figure of one run; for several it is drawn once for each. */
  private static Entry each(int number, String name, String shows, RunPainter painter) {
    return new Entry(
        number,
        name,
        shows,
        subjects ->
            subjects.stream()
                .map(subject -> named(painter.draw(subject), subject, subjects.size() > 1))
                .toList());
  }

  /** A figure the paper does not have, of which a run may have several drawings. */
  private static Entry several(
      String name, String shows, Function<Subject, List<Figure>> drawings) {
    return new Entry(
        0,
        name,
        shows,
        subjects ->
            subjects.stream()
                .flatMap(
                    subject ->
                        drawings.apply(subject).stream()
                            .map(figure -> named(figure, subject, subjects.size() > 1)))
                .toList());
  }

  /** A figure that shows several runs together. */
  private static Entry joint(int number, String name, String shows, Painter painter) {
    return new Entry(number, name, shows, painter);
  }

  /** Tells figures of several runs apart by the names of their files. */
  private static Figure named(Figure figure, Subject subject, boolean several) {
    return several
        ? new Figure(
            subject.folder().toAbsolutePath().normalize().getFileName() + "-" + figure.name(),
            figure.title(),
            figure.caption(),
            figure.scene(),
            figure.data())
        : figure;
  }

  private static Figure plane(Subject subject) {
    RunSummary.Connection connection = subject.connection();
    return subject
        .plane()
        .map(plane -> PlaneFigure.of(subject.run(), connection, plane))
        .orElseThrow(
            () ->
                new Missing(
                    "The plane of path %s of %s is not evaluated; 'isthmus plane %s %d %d' does it."
                        .formatted(
                            connection.name(),
                            subject.folder(),
                            subject.folder(),
                            connection.pair().first(),
                            connection.pair().second())));
  }

  private static Figure relaxation(Subject subject) {
    RunSummary.Connection connection = subject.connection();
    return subject.run().findings(RelaxationFinding.class).stream()
        .map(RelaxationFinding::relaxation)
        .filter(relaxation -> relaxation.pair().equals(connection.pair()))
        .map(RelaxationFigure::of)
        .findFirst()
        .orElseThrow(
            () ->
                new Missing(
                    subject.run().tested()
                        ? "%s is a run of a network; this figure needs one of a surface, such as 'isthmus run surface-mueller-brown' makes."
                            .formatted(subject.folder())
                        : "Path %s of %s is not finished, or began from a given path; 'isthmus run -o %s' goes on with it."
                            .formatted(connection.name(), subject.folder(), subject.folder())));
  }

  private static Figure profile(Subject subject) {
    Connection connection = subject.connection();
    if (connection.line().isEmpty() && connection.cycles().isEmpty()) {
      throw new Missing(
          "Neither line nor path %s of %s is evaluated; 'isthmus connect %s %d %d' does both."
              .formatted(
                  connection.name(),
                  subject.folder(),
                  subject.folder(),
                  connection.pair().first(),
                  connection.pair().second()));
    }
    return ProfileFigure.of(subject.run(), connection);
  }

  private static Figure insertion(Subject subject) {
    Connection connection = subject.connection();
    CycleResult cycle =
        InsertionFigure.mostTelling(subject.run(), connection)
            .orElseThrow(
                () ->
                    new Missing(
                        "No pivot was inserted into path %s of %s; show another with 'isthmus report %s --figure insertion --pair A-B'."
                            .formatted(connection.name(), subject.folder(), subject.folder())));
    return InsertionFigure.of(subject.run(), connection, cycle);
  }

  private static Figure treeSteps(Subject subject) {
    if (subject.run().graph().edges().isEmpty()) {
      throw new Missing(
          "No path of %s is finished yet; 'isthmus explore %s' makes them."
              .formatted(subject.folder(), subject.folder()));
    }
    return TreeStepsFigure.of(subject.run());
  }

  private static List<Figure> overview(List<Subject> subjects) {
    subjects.forEach(Gallery::withMinima);
    return List.of(
        subjects.size() == 1
            ? OverviewFigure.of(subjects.get(0).run())
            : ArchitecturesFigure.of(subjects));
  }

  private static Figure evolution(Subject subject) {
    Connection connection = subject.connection();
    path(subject, connection);
    return EvolutionFigure.of(subject.run(), connection);
  }

  private static Figure learningCurve(Subject subject) {
    Connection connection = subject.connection();
    CycleResult path = path(subject, connection);
    List<LearningCurve> curves = LearningCurveFigure.curves(subject.run(), connection);
    if (curves.isEmpty()) {
      throw new Missing(
          "Minima %d and %d of %s were brought in without their training; 'isthmus train CONFIG -o DIR' trains new ones and keeps their curves."
              .formatted(connection.pair().first(), connection.pair().second(), subject.folder()));
    }
    return LearningCurveFigure.of(subject.run(), connection, path, curves);
  }

  /** The cycle whose path counts for a pair. */
  private static CycleResult path(Subject subject, Connection connection) {
    return subject
        .run()
        .path(connection)
        .orElseThrow(
            () ->
                new Missing(
                    "Path %s of %s has no finished cycle; 'isthmus connect %s %d %d' finds it."
                        .formatted(
                            connection.name(),
                            subject.folder(),
                            subject.folder(),
                            connection.pair().first(),
                            connection.pair().second())));
  }

  private static List<Figure> xor(List<Subject> subjects) {
    return List.of(XorFigure.of(subjects));
  }

  private static List<Figure> size(List<Subject> subjects) {
    return List.of(SizeFigure.of(subjects));
  }

  private static Figure baselines(Subject subject) {
    Comparison comparison =
        Comparison.of(subject.run())
            .orElseThrow(
                () ->
                    new Missing(
                        "%s has no pair that was connected by other means; 'isthmus baseline %s' does that."
                            .formatted(subject.folder(), subject.folder())));
    return BaselinesFigure.of(comparison, subject.connection());
  }

  private static Figure graph(Subject subject) {
    return GraphFigure.of(withMinima(subject));
  }

  private static Figure disconnectivity(Subject subject) {
    return DisconnectivityFigure.of(withMinima(subject));
  }

  private static Figure cycles(Subject subject) {
    if (subject.run().connections().stream().allMatch(c -> c.cycles().isEmpty())) {
      throw new Missing(
          "No cycle of any path of %s is finished; 'isthmus explore %s' goes on with them."
              .formatted(subject.folder(), subject.folder()));
    }
    return CyclesFigure.of(subject.run());
  }

  private static List<Figure> curvature(Subject subject) {
    List<Figure> figures = new ArrayList<>();
    for (HessianFinding finding : subject.run().findings(HessianFinding.class)) {
      figures.add(SpectrumFigure.of(subject.run(), finding));
      finding.paths().stream()
          .filter(path -> !path.along().isEmpty())
          .filter(path -> subject.pair().map(path.pair()::equals).orElse(true))
          .forEach(path -> figures.add(CurvatureFigure.of(subject.run(), path)));
    }
    if (figures.isEmpty()) {
      throw new Missing(
          "No Hessian of %s is known; 'isthmus hessian %s' measures some."
              .formatted(subject.folder(), subject.folder()));
    }
    return figures;
  }

  private static List<Figure> ensemble(Subject subject) {
    List<Figure> figures =
        subject.run().findings(EnsembleFinding.class).stream()
            .filter(each -> subject.pair().map(each.result().pair()::equals).orElse(true))
            .map(EnsembleFigure::of)
            .toList();
    if (figures.isEmpty()) {
      throw new Missing(
          "No ensembles of %s are known%s; 'isthmus ensemble %s' judges some."
              .formatted(
                  subject.folder(),
                  subject.pair().isPresent() ? " for that pair" : "",
                  subject.folder()));
    }
    return figures;
  }

  private static RunSummary withMinima(Subject subject) {
    if (subject.run().minima().isEmpty()) {
      throw new Missing(
          "%s has no trained minimum yet; 'isthmus train -o %s' trains them."
              .formatted(subject.folder(), subject.folder()));
    }
    return subject.run();
  }
}
