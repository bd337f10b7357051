package io.isthmus.store;

import io.isthmus.analysis.Place;
import io.isthmus.analysis.PlaneGrid;
import io.isthmus.analysis.PlaneResult;
import io.isthmus.analysis.PlaneSettings;
import io.isthmus.config.StatisticsConvention;
import io.isthmus.engine.Metrics;
import io.isthmus.neb.Pair;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * The loss on the plane through a path: {@code planes/0001-0002.h5}, or as much of it as is
 * evaluated: {@code planes/0001-0002.checkpoint.h5}.
 *
 * @param origin its experiment
 * @param plane what is known
 */
public record PlaneFile(Origin origin, PlaneResult plane) {
  static final String KIND = "plane";
  static final String CHECKPOINT = "plane-checkpoint";

  /**
   * Puts it in place of {@code target}, whole or not at all.
   *
   * @throws io.isthmus.config.IsthmusException IO if the disk refuses
   */
  public void write(Path target) {
    PlaneGrid grid = plane.grid();
    PlaneSettings settings = plane.settings();
    try (Hdf5Writer file = Hdf5Writer.create(plane.complete() ? KIND : CHECKPOINT)) {
      origin.write(file);
      file.attribute("/", "pair", plane.pair().toString());
      file.attribute("/", "cycle", Integer.toString(plane.cycle()));
      file.attribute("/", "statistics", plane.convention().name().toLowerCase(Locale.ROOT));
      file.attribute("/", "margin", Double.toString(settings.margin()));
      file.attribute("/", "images", Integer.toString(settings.images()));
      file.attribute("/", "statistics_batches", Integer.toString(settings.batches()));
      file.attribute("/", "left", Double.toString(grid.left()));
      file.attribute("/", "bottom", Double.toString(grid.bottom()));
      file.attribute("/", "step", Double.toString(grid.step()));
      file.attribute("/", "columns", Integer.toString(grid.columns()));
      file.attribute("/", "rows", Integer.toString(grid.rows()));
      file.attribute("/", "evaluated", Integer.toString(plane.metrics().size()));
      List<Place> pivots = plane.pivots();
      column(file, "/pivots/x", pivots.stream().mapToDouble(Place::x).toArray());
      column(file, "/pivots/y", pivots.stream().mapToDouble(Place::y).toArray());
      column(file, "/pivots/distance", pivots.stream().mapToDouble(Place::distance).toArray());
      double[] losses = plane.metrics().stream().mapToDouble(Metrics::loss).toArray();
      double[] errors = plane.metrics().stream().mapToDouble(Metrics::error).toArray();
      if (plane.complete()) {
        column(file, "/x", IntStream.range(0, grid.columns()).mapToDouble(grid::x).toArray());
        column(file, "/y", IntStream.range(0, grid.rows()).mapToDouble(grid::y).toArray());
        file.doubles("/loss", losses, grid.rows(), grid.columns());
        file.doubles("/error", errors, grid.rows(), grid.columns());
      } else if (losses.length > 0) {
        column(file, "/loss", losses);
        column(file, "/error", errors);
      }
      file.save(target);
    }
  }

  private static void column(Hdf5Writer file, String path, double[] values) {
    file.doubles(path, values, values.length);
  }

  /**
   * Reads a complete plane, verified.
   *
   * @throws io.isthmus.config.IsthmusException DATA if it is damaged or something else, IO if it is
   *     missing or cannot be read
   */
  public static PlaneFile read(Path source) {
    return read(source, KIND);
  }

  /** Reads as much of a plane as is evaluated; see {@link #read}. */
  public static PlaneFile readCheckpoint(Path source) {
    return read(source, CHECKPOINT);
  }

  private static PlaneFile read(Path source, String kind) {
    try (Hdf5Reader file = Hdf5Reader.open(source, kind)) {
      int columns = file.integer("/", "columns", 2);
      int rows = file.integer("/", "rows", 2);
      int evaluated = file.integer("/", "evaluated", 0);
      if ((evaluated == (long) rows * columns) != kind.equals(KIND)) {
        throw file.invalid("attribute evaluated is '%d'".formatted(evaluated));
      }
      long[] shape = kind.equals(KIND) ? new long[] {rows, columns} : new long[] {evaluated};
      double[] losses = evaluated == 0 ? new double[0] : file.doubles("/loss", shape);
      double[] errors = evaluated == 0 ? new double[0] : file.doubles("/error", shape);
      List<Metrics> metrics = new ArrayList<>();
      for (int i = 0; i < losses.length; i++) {
        metrics.add(new Metrics(losses[i], errors[i]));
      }
      String statistics = file.attribute("/", "statistics");
      return file.building(
          () ->
              new PlaneFile(
                  Origin.read(file),
                  new PlaneResult(
                      Pair.parse(file.attribute("/", "pair")),
                      file.integer("/", "cycle", 1),
                      new PlaneSettings(
                          columns,
                          file.real("/", "margin"),
                          file.integer("/", "images", 0),
                          file.integer("/", "statistics_batches", 1)),
                      Arrays.stream(StatisticsConvention.values())
                          .filter(c -> c.name().equalsIgnoreCase(statistics))
                          .findFirst()
                          .orElseThrow(
                              () -> file.invalid("statistics is '%s'".formatted(statistics))),
                      new PlaneGrid(
                          file.real("/", "left"),
                          file.real("/", "bottom"),
                          file.real("/", "step"),
                          columns,
                          rows),
                      pivots(file),
                      metrics)));
    }
  }

  private static List<Place> pivots(Hdf5Reader file) {
    long n = Columns.length(file, "/pivots/x");
    double[] x = file.doubles("/pivots/x", n);
    double[] y = file.doubles("/pivots/y", n);
    double[] distance = file.doubles("/pivots/distance", n);
    return IntStream.range(0, x.length).mapToObj(i -> new Place(x[i], y[i], distance[i])).toList();
  }
}
