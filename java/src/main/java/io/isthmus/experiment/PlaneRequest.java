package io.isthmus.experiment;

import io.isthmus.analysis.PlaneSettings;
import io.isthmus.config.ExitCode;
import io.isthmus.config.ExperimentConfig;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.ModelConfig;

/**
 * How somebody wants a plane to be looked at. What is left open is taken as it is found: from a
 * plane that is there already, else from the defaults.
 *
 * @param points columns of the grid; null: open
 * @param margin room around the path, as a share of its extent in the plane; null: open
 * @param images training images, 0 for all; null: open
 */
public record PlaneRequest(Integer points, Double margin, Integer images) {
  /** Everything open. */
  public static final PlaneRequest OPEN = new PlaneRequest(null, null, null);

  private static final int POINTS = 31;
  private static final int SURFACE_POINTS = 101;
  private static final double MARGIN = 0.25;
  private static final int IMAGES = 2000;

  private static final int FEWEST = 3;
  private static final int MOST = 1001;
  private static final double WIDEST = 10;

  /** Refuses what makes no sense. */
  public PlaneRequest {
    if (points != null && (points < FEWEST || points > MOST)) {
      throw new IsthmusException(
          ExitCode.USAGE,
          "--points must be from %d to %d, but is %d".formatted(FEWEST, MOST, points));
    }
    if (margin != null && !(margin >= 0 && margin <= WIDEST)) {
      throw new IsthmusException(
          ExitCode.USAGE, "--margin must be from 0 to %.0f, but is %s".formatted(WIDEST, margin));
    }
    if (images != null && images < 0) {
      throw new IsthmusException(
          ExitCode.USAGE, "--images must be at least 0 (all of them), but is " + images);
    }
  }

  /** The settings, those left open filled in for a run of this configuration. */
  PlaneSettings settings(ExperimentConfig config) {
    boolean surface = config.model().family() == ModelConfig.Family.SURFACE;
    int limit = config.evaluation().evalTrainLimit();
    int wanted =
        images != null ? images : surface ? 0 : limit == 0 ? IMAGES : Math.min(limit, IMAGES);
    int batch = config.exploration().batch();
    int usual = config.evaluation().statisticsBatches();
    return new PlaneSettings(
        points != null ? points : surface ? SURFACE_POINTS : POINTS,
        margin != null ? margin : MARGIN,
        wanted,
        wanted == 0 ? usual : Math.min(usual, (wanted + batch - 1) / batch));
  }

  /** Whether a plane with such settings is what is wanted. */
  boolean accepts(PlaneSettings found) {
    return (points == null || points == found.points())
        && (margin == null || margin == found.margin())
        && (images == null || images == found.images());
  }
}
