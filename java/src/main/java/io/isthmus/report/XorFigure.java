package io.isthmus.report;

import io.isthmus.landscape.Minimum;
import io.isthmus.landscape.SpanningTree;
import io.isthmus.neb.CycleResult;
import io.isthmus.neb.Pair;
import io.isthmus.neb.Profile;
import io.isthmus.neb.Saddle;
import io.isthmus.neb.Sample;
import io.isthmus.report.RunSummary.Connection;
import io.isthmus.report.RunSummary.Status;
import io.isthmus.report.scene.Axis;
import io.isthmus.report.scene.Box;
import io.isthmus.report.scene.Drawing;
import io.isthmus.report.scene.Ink;
import io.isthmus.report.scene.Mark.Anchor;
import io.isthmus.report.scene.Numbers;
import io.isthmus.report.scene.Panel;
import io.isthmus.report.scene.Scale;
import io.isthmus.report.scene.Scale.Tick;
import io.isthmus.report.scene.Stroke;
import io.isthmus.report.scene.Typeface;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * Barriers between minima that have learned the exclusive or, for networks of different width
 * (figure 8 of the paper): a typical pair of each network, and for every pair the highest loss on
 * the straight line, on the path, and on the lowest chain of paths by way of other minima.
 *
 * <p>What counts as a barrier follows from the data: while the mean cross-entropy of the four
 * points is below ln 2 / 4, that of each of them is below ln 2, so all four are classified right. A
 * path that reaches {@link #BARRIER} may have lost the function on its way. By the same measure a
 * minimum at or above it has not learned the function: it is counted, and its pairs are left out.
 */
final class XorFigure {
  /** Mean cross-entropy of the four points from which on one of them may be wrong: ln 2 / 4. */
  static final double BARRIER = Math.log(2) / 4;

  private static final double LEFT = 62;
  private static final double PROFILE = 196;
  private static final double GAP = 22;
  private static final double STRIP = 66;
  private static final int STRIPS = 3;
  private static final double RIGHT = 18;
  private static final double TOP = 122;
  private static final double HEIGHT = 236;
  private static final Stroke PATH = new Stroke(Ink.PRIMARY, 2.2);
  private static final Stroke LINE = new Stroke(Ink.SECONDARY, 1.8, Stroke.DASHED);
  private static final Stroke LIMIT = new Stroke(Ink.INK, 1.2, 1.2, 3.6);
  private static final Stroke CHAIN = new Stroke(Ink.TERTIARY, 1.3);
  private static final Stroke RIM = new Stroke(Ink.PAPER, 0.5);
  private static final Pattern ONE_LAYER = Pattern.compile("MLP (\\d+)(?: \\(.*\\))?");
  private static final String[] WORDS = {
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"
  };

  private final List<Network> networks;
  private final Drawing drawing = new Drawing();

  private XorFigure(List<Network> networks) {
    this.networks = networks;
  }

  /**
   * The figure of runs on the exclusive or, each with at least one path between minima that have
   * learned it.
   *
   * @param subjects from the narrowest network to the widest, or however they are to stand
   * @throws Missing for a run on other data, or without such a path
   */
  static Figure of(List<Subject> subjects) {
    return new XorFigure(subjects.stream().map(Network::of).toList()).figure();
  }

  /**
   * One run.
   *
   * @param label the network, as in a heading
   * @param learned numbers of the minima that have learned the function
   * @param pairs the finished pairs of such minima
   * @param tree of all paths of the run
   */
  private record Network(
      RunSummary run,
      String label,
      Set<Integer> learned,
      List<Connection> pairs,
      SpanningTree tree) {

    static Network of(Subject subject) {
      RunSummary run = subject.run();
      if (!run.dataset().equals("XOR")) {
        throw new Missing(
            ("%s is a run on %s, and figure 8 is about XOR; 'isthmus run xor-2' and 'isthmus run"
                    + " xor-3' make what it shows.")
                .formatted(subject.folder(), run.dataset()));
      }
      Set<Integer> learned =
          run.minima().stream()
              .filter(minimum -> minimum.loss() < BARRIER)
              .map(Minimum::number)
              .collect(Collectors.toSet());
      List<Connection> pairs =
          run.connections().stream()
              .filter(c -> c.status() == Status.DONE && c.line().isPresent())
              .filter(
                  c -> learned.contains(c.pair().first()) && learned.contains(c.pair().second()))
              .sorted(Comparator.comparing(Connection::pair, Comparator.naturalOrder()))
              .toList();
      if (pairs.isEmpty()) {
        throw new Missing(
            ("%s has no path between two minima that have learned XOR; 'isthmus run -o %s' goes on"
                    + " with it, and another --seed or more training.minima finds other minima.")
                .formatted(subject.folder(), subject.folder()));
      }
      return new Network(
          run, label(run.architecture()), learned, pairs, SpanningTree.of(run.graph()));
    }

    private static String label(String architecture) {
      Matcher matcher = ONE_LAYER.matcher(architecture);
      if (!matcher.matches()) {
        return architecture;
      }
      int width = Integer.parseInt(matcher.group(1));
      String number = width < WORDS.length ? WORDS[width] : String.valueOf(width);
      return number + (width == 1 ? " hidden neuron" : " hidden neurons");
    }

    Saddle saddle(Connection pair) {
      return run.path(pair).orElseThrow().saddle(run.convention());
    }

    Saddle line(Connection pair) {
      return pair.barrier(run.convention()).orElseThrow();
    }

    /** Highest loss on the lowest chain of paths from one end to the other. */
    double chain(Connection pair) {
      return tree.bound(pair.pair().first(), pair.pair().second());
    }

    /** Pairs whose straight line has a barrier. */
    long lineBarriers() {
      return pairs.stream().filter(pair -> line(pair).trainLoss() >= BARRIER).count();
    }

    /** Pairs whose path has one. */
    long pathBarriers() {
      return pairs.stream().filter(pair -> saddle(pair).trainLoss() >= BARRIER).count();
    }

    /** Pairs that no chain of paths joins without one. */
    long chainBarriers() {
      return pairs.stream().filter(pair -> chain(pair) >= BARRIER).count();
    }

    /** The pair of median saddle, among those whose straight line has a barrier if any has. */
    Connection typical() {
      Predicate<Connection> apart = pair -> line(pair).trainLoss() >= BARRIER;
      List<Connection> shown =
          pairs.stream()
              .filter(lineBarriers() > 0 ? apart : pair -> true)
              .sorted(Comparator.comparingDouble(pair -> saddle(pair).trainLoss()))
              .toList();
      return shown.get(shown.size() / 2);
    }

    String sentence() {
      return String.format(
          Locale.ROOT,
          "%s: %d of %d trainings learned XOR. Of the %d pairs of these %d (%s) have a barrier on"
              + " the straight line, %d (%s) on their path, %d (%s) on every chain of paths.",
          label.substring(0, 1).toUpperCase(Locale.ROOT) + label.substring(1),
          learned.size(),
          run.minima().size(),
          pairs.size(),
          lineBarriers(),
          percent(lineBarriers()),
          pathBarriers(),
          percent(pathBarriers()),
          chainBarriers(),
          percent(chainBarriers()));
    }

    String percent(long count) {
      return Numbers.fixed(100.0 * count / pairs.size(), 0) + " %";
    }
  }

  private Figure figure() {
    String title =
        "Barriers between minima that have learned XOR: "
            + networks.stream().map(Network::label).collect(Collectors.joining(", "));
    drawing.text(title, 14, 26, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.START);
    legend();
    double x = LEFT;
    Axis up = Axis.of("Training loss (cross-entropy)", Scale.fitting(shown()), 5);
    for (int i = 0; i < networks.size(); i++) {
      profile(networks.get(i), new Box(x, TOP, PROFILE, HEIGHT), i == 0 ? up : up.silent());
      x += PROFILE + GAP;
    }
    double wide = STRIPS * STRIP * networks.size();
    strips(new Box(x, TOP, wide, HEIGHT), up.silent());
    double width = x + wide + RIGHT;
    String caption =
        "Left: training loss along the straight line (dashed) and along the path (solid, circles"
            + " are pivots) between two minima, for each network the pair of median saddle among"
            + " those whose line has a barrier. Right: the highest loss on the straight line"
            + " (triangles), on the path (diamonds) and on the lowest chain of paths by way of"
            + " other minima (circles) of every pair, and the share with a barrier."
            + " A barrier reaches the dotted line, ln 2 / 4: below it all four points are certainly"
            + " classified right. "
            + networks.stream().map(Network::sentence).collect(Collectors.joining(" "));
    return new Figure(
        "xor",
        title,
        caption,
        drawing.scene(width, TOP + HEIGHT + 76, title + ". " + caption),
        data());
  }

  private double[] shown() {
    DoubleStream values = DoubleStream.of(BARRIER, 1.6 * BARRIER);
    for (Network network : networks) {
      Connection typical = network.typical();
      values = DoubleStream.concat(values, losses(network, typical.line().orElseThrow()));
      values = DoubleStream.concat(values, losses(network, path(network, typical)));
      for (Connection pair : network.pairs()) {
        values = DoubleStream.concat(values, DoubleStream.of(network.saddle(pair).trainLoss()));
        values = DoubleStream.concat(values, DoubleStream.of(network.line(pair).trainLoss()));
      }
    }
    return values.toArray();
  }

  private void legend() {
    double x = 15;
    double y = 51;
    drawing.line(x, y, x + 30, y, LINE);
    x = word("straight line", x + 38, y);
    drawing.triangle(x, y, 5, Ink.SECONDARY, RIM);
    x = word("its maximum", x + 10, y);
    drawing.line(x, y, x + 30, y, PATH);
    drawing.circle(x + 15, y, 2.8, Ink.PAPER, new Stroke(Ink.PRIMARY, 1.4));
    x = word("path", x + 38, y);
    drawing.diamond(x, y, 5, Ink.PRIMARY, RIM);
    x = word("its maximum", x + 10, y);
    drawing.circle(x, y, 3.4, Ink.PAPER, CHAIN);
    x = word("lowest chain of paths", x + 10, y);
    drawing.line(x, y, x + 30, y, LIMIT);
    word("ln 2 / 4, a barrier", x + 38, y);
  }

  private double word(String text, double x, double y) {
    drawing.text(text, x, y + 4, Panel.MEDIUM, Typeface.REGULAR, Ink.INK, Anchor.START);
    return x + 1.06 * Typeface.REGULAR.width(text, Panel.MEDIUM) + 24;
  }

  private void profile(Network network, Box box, Axis up) {
    Pair pair = network.typical().pair();
    List<Tick> ticks = List.of(new Tick(0, "0"), new Tick(0.5, "0.5"), new Tick(1, "1"));
    String title = "Position from minimum " + pair.first() + " to " + pair.second();
    Axis across = new Axis(title, new Scale(false, -0.04, 1.04), ticks, true);
    Panel panel = new Panel(box, across, up);
    panel.draw(drawing);
    heading(network.label(), box.left() + box.width() / 2);
    limit(box, panel);
    Profile line = network.typical().line().orElseThrow();
    panel.curve(drawing, line.positions(), losses(network, line).toArray(), LINE);
    Profile path = path(network, network.typical());
    double[] losses = losses(network, path).toArray();
    panel.curve(drawing, path.positions(), losses, PATH);
    for (int i = 1; i < path.size() - 1; i++) {
      if (path.samples().get(i).isPivot()) {
        drawing.circle(
            panel.x(path.positions()[i]),
            panel.y(losses[i]),
            2.8,
            Ink.PAPER,
            new Stroke(Ink.PRIMARY, 1.4));
      }
    }
    for (int end : new int[] {0, 1}) {
      double y = panel.y(losses[end * (losses.length - 1)]);
      drawing.circle(panel.x(end), y, 4.2, Ink.INK, new Stroke(Ink.PAPER, 1.2));
    }
    Saddle highest = network.line(network.typical());
    drawing.triangle(
        panel.x(highest.position()), panel.y(highest.trainLoss()), 6, Ink.SECONDARY, RIM);
    Saddle saddle = network.saddle(network.typical());
    drawing.diamond(panel.x(saddle.position()), panel.y(saddle.trainLoss()), 6, Ink.PRIMARY, RIM);
  }

  private void strips(Box box, Axis up) {
    List<Tick> ticks = new ArrayList<>();
    for (int i = 0; i < networks.size(); i++) {
      ticks.add(new Tick(STRIPS * i, "lines"));
      ticks.add(new Tick(STRIPS * i + 1, "paths"));
      ticks.add(new Tick(STRIPS * i + 2, "chains"));
    }
    Scale scale = new Scale(false, -0.5, STRIPS * networks.size() - 0.5);
    Panel panel = new Panel(box, new Axis("", scale, ticks, true), up);
    panel.draw(drawing);
    limit(box, panel);
    for (int i = 0; i < networks.size(); i++) {
      Network network = networks.get(i);
      int first = STRIPS * i;
      if (i > 0) {
        double border = panel.x(first - 0.5);
        drawing.line(border, box.top() - 38, border, box.bottom() + 62, new Stroke(Ink.FAINT, 1));
      }
      heading(network.label(), panel.x(first + 1));
      points(network, panel, first);
      share(network.percent(network.lineBarriers()), panel.x(first), box.bottom());
      share(network.percent(network.pathBarriers()), panel.x(first + 1), box.bottom());
      share(network.percent(network.chainBarriers()), panel.x(first + 2), box.bottom());
      drawing.text(
          "of " + network.pairs().size() + " pairs have a barrier",
          panel.x(first + 1),
          box.bottom() + 57,
          Panel.MEDIUM,
          Typeface.REGULAR,
          Ink.INK,
          Anchor.MIDDLE);
    }
  }

  private void points(Network network, Panel panel, int first) {
    for (int k = 0; k < network.pairs().size(); k++) {
      Connection pair = network.pairs().get(k);
      // The golden ratio spreads any number of points without two on one another.
      double shift = 0.72 * ((0.5 + k * 0.618034) % 1 - 0.5);
      double line = panel.y(network.line(pair).trainLoss());
      drawing.triangle(panel.x(first + shift), line, 3.8, Ink.SECONDARY, RIM);
      double path = panel.y(network.saddle(pair).trainLoss());
      drawing.diamond(panel.x(first + 1 + shift), path, 3.8, Ink.PRIMARY, RIM);
      double chain = panel.y(network.chain(pair));
      drawing.circle(panel.x(first + 2 + shift), chain, 2.6, Ink.PAPER, CHAIN);
    }
  }

  private void share(String percent, double x, double bottom) {
    drawing.text(percent, x, bottom + 37, Panel.LARGE, Typeface.BOLD, Ink.INK, Anchor.MIDDLE);
  }

  private void heading(String text, double x) {
    drawing.text(text, x, TOP - 28, Panel.MEDIUM, Typeface.BOLD, Ink.INK, Anchor.MIDDLE);
  }

  private void limit(Box box, Panel panel) {
    double y = panel.y(BARRIER);
    drawing.line(box.left(), y, box.right(), y, LIMIT);
  }

  private static Profile path(Network network, Connection pair) {
    return network.run().path(pair).map(CycleResult::profile).orElseThrow();
  }

  private static DoubleStream losses(Network network, Profile profile) {
    return DoubleStream.of(profile.trainLosses(network.run().convention()));
  }

  private String data() {
    Csv csv = new Csv("network", "what", "name", "position", "train_loss", "train_error");
    for (Network network : networks) {
      String label = network.label();
      for (Minimum minimum : network.run().minima()) {
        csv.row(
            label,
            network.learned().contains(minimum.number()) ? "minimum" : "minimum without XOR",
            minimum.number(),
            "",
            minimum.train().loss(),
            minimum.train().error());
      }
      for (Connection pair : network.pairs()) {
        Saddle line = network.line(pair);
        Saddle path = network.saddle(pair);
        csv.row(label, "line", pair.name(), line.position(), line.trainLoss(), line.trainError());
        csv.row(label, "path", pair.name(), path.position(), path.trainLoss(), path.trainError());
        csv.row(label, "chain", pair.name(), "", network.chain(pair), "");
      }
      Connection typical = network.typical();
      curve(csv, network, "typical line", typical.name(), typical.line().orElseThrow());
      curve(csv, network, "typical path", typical.name(), path(network, typical));
    }
    return csv.text();
  }

  private static void curve(Csv csv, Network network, String what, String name, Profile profile) {
    for (Sample sample : profile.samples()) {
      var metrics = sample.train(network.run().convention());
      csv.row(network.label(), what, name, sample.position(), metrics.loss(), metrics.error());
    }
  }
}
