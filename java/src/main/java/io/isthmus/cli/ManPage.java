package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.experiment.Release;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** A verb's manual page in roff (man macros), written from what picocli knows about the verb. */
final class ManPage {
  private final StringBuilder page = new StringBuilder();

  private ManPage() {}

  static String of(CommandSpec spec) {
    return new ManPage().write(spec);
  }

  private String write(CommandSpec spec) {
    CommandLine.Help help = spec.commandLine().getHelp();
    String[] description = spec.usageMessage().description();
    macro(
        ".TH \"%s\" 1 \"\" \"%s\" \"Isthmus\""
            .formatted(
                spec.qualifiedName("-").toUpperCase(Locale.ROOT), "isthmus " + Release.version()));
    section("NAME");
    text(spec.qualifiedName("-") + " - " + decapitalise(description[0]));
    section("SYNOPSIS");
    text(help.synopsis(0).strip().replaceAll("\\s+", " "));
    section("DESCRIPTION");
    paragraphs(description);
    if (!spec.positionalParameters().isEmpty()) {
      section("PARAMETERS");
      for (PositionalParamSpec parameter : spec.positionalParameters()) {
        item(parameter.paramLabel(), parameter.description());
      }
    }
    section("OPTIONS");
    for (OptionSpec option : spec.options()) {
      boolean takesValue = option.arity().max() > 0;
      item(
          Arrays.stream(option.names()).collect(Collectors.joining(", "))
              + (takesValue ? " " + option.paramLabel() : ""),
          option.description());
    }
    if (!spec.subcommands().isEmpty()) {
      section("VERBS");
      spec.subcommands()
          .forEach((name, verb) -> item(name, verb.getCommandSpec().usageMessage().description()));
    }
    if (spec.usageMessage().footer().length > 0) {
      section("NOTES");
      paragraphs(spec.usageMessage().footer());
    }
    section("EXIT STATUS");
    for (ExitCode code : ExitCode.values()) {
      item(Integer.toString(code.status()), ExitCodes.meaning(code));
    }
    return page.toString();
  }

  private void section(String title) {
    macro(".SH " + title);
  }

  private void paragraphs(String... lines) {
    for (String line : lines) {
      if (!line.isBlank()) {
        macro(".PP");
        text(line);
      }
    }
  }

  private void item(String label, String... description) {
    macro(".TP");
    text("\\fB", label, "\\fR");
    text(String.join(" ", description));
  }

  private void macro(String line) {
    page.append(line).append('\n');
  }

  private void text(String text) {
    text("", text, "");
  }

  private void text(String before, String text, String after) {
    String plain = Ansi.OFF.string(text).replace("%n", " ").replace("%%", "%");
    String escaped = plain.replace("\\", "\\e").replace("-", "\\-");
    page.append(before);
    page.append(escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" : "");
    page.append(escaped).append(after).append('\n');
  }

  private static String decapitalise(String sentence) {
    return sentence.isEmpty()
        ? sentence
        : Character.toLowerCase(sentence.charAt(0)) + sentence.substring(1).replaceAll("\\.$", "");
  }
}
