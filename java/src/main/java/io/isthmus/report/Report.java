package io.isthmus.report;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.neb.Saddle;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.scene.PngWriter;
import io.isthmus.report.scene.SvgWriter;
import io.isthmus.store.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes what a run is shown as into its folder: {@code tables/}, {@code figures/} (each as SVG,
 * PNG and its data) and {@code report.html}. Works at any time of a run, with whatever there is.
 */
public final class Report {
  /** Pixels of a PNG per scene unit: sharp on paper and on dense screens. */
  private static final double PIXELS = 2;

  /** More profiles than a reader looks at; a run of all pairs of 16 minima has 120. */
  private static final int MOST_PROFILES = 24;

  private Report() {}

  /**
   * Writes everything anew.
   *
   * @param folder the run directory; folders inside are made
   * @return the page
   * @throws IsthmusException ({@link ExitCode#IO}) when a file cannot be written
   */
  public static Path write(RunSummary run, Path folder) {
    List<Figure> figures = figures(run);
    Path tables = folder.resolve("tables");
    ResultTable table = ResultTable.of(List.of(run));
    write(tables.resolve("table.txt"), table.terminal(false));
    write(tables.resolve("table.csv"), table.csv());
    write(tables.resolve("table.json"), table.json());
    write(tables.resolve("table.md"), table.markdown());
    write(tables.resolve("table.tex"), table.latex());
    for (Figure figure : figures) {
      write(figure, folder.resolve("figures"));
    }
    Path page = folder.resolve("report.html");
    write(page, Page.of(run, figures));
    return page;
  }

  /**
   * Writes one figure as SVG, PNG and its data.
   *
   * @param folder where to; made where it is missing
   * @throws IsthmusException ({@link ExitCode#IO}) when a file cannot be written
   */
  public static FigureFiles write(Figure figure, Path folder) {
    FigureFiles files =
        new FigureFiles(
            folder.resolve(figure.name() + ".svg"),
            folder.resolve(figure.name() + ".png"),
            folder.resolve(figure.name() + ".csv"));
    write(files.svg(), SvgWriter.file(figure.scene()));
    write(files.png(), PngWriter.write(figure.scene(), PIXELS));
    write(files.csv(), figure.data());
    return files;
  }

  /**
   * The files of a figure.
   *
   * @param svg the drawing, sharp at any size
   * @param png the same as a picture
   * @param csv the numbers it shows
   */
  public record FigureFiles(Path svg, Path png, Path csv) {}

  /**
   * All figures for which a run has data: profiles of the pairs (that of the tree's highest saddle
   * first; those of the tree, and others up to {@link #MOST_PROFILES}, since {@code --figure
   * profile --pair} draws any), then everything else of the {@link Gallery}.
   */
  public static List<Figure> figures(RunSummary run) {
    Map<String, Figure> figures = new LinkedHashMap<>();
    int tree = run.tree().size();
    for (Connection connection : highestFirst(run)) {
      if (figures.size() >= Math.max(tree, MOST_PROFILES)) {
        break;
      }
      if (connection.line().isPresent() || !connection.cycles().isEmpty()) {
        Figure profile = ProfileFigure.of(run, connection);
        figures.put(profile.name(), profile);
      }
    }
    Gallery.of(run).forEach(figure -> figures.putIfAbsent(figure.name(), figure));
    return List.copyOf(figures.values());
  }

  /**
   * The tree's connections from the highest saddle down, then the others as they were asked for.
   */
  private static List<Connection> highestFirst(RunSummary run) {
    List<Connection> ordered = new ArrayList<>(run.tree());
    ordered.sort(
        Comparator.comparingDouble((Connection c) -> saddle(run, c).trainLoss()).reversed());
    Set<Connection> tree = new HashSet<>(ordered);
    run.connections().stream().filter(c -> !tree.contains(c)).forEach(ordered::add);
    return ordered;
  }

  private static Saddle saddle(RunSummary run, Connection connection) {
    return run.path(connection).orElseThrow().saddle(run.convention());
  }

  /** Writes a text file, whole or not at all. */
  static void write(Path file, String text) {
    write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Replaces a file as a whole, so that no reader ever sees half of it. Nothing is forced to the
   * disk: whatever a loss of power takes, the next report brings back.
   */
  private static void write(Path file, byte[] bytes) {
    Path fresh = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(fresh, bytes);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw AtomicFile.failure("write", file, e);
    }
  }
}
