package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README, running: its section "Step by step" word for word, and its command reference. */
class TutorialIT {
  private static final Pattern SECTION = Pattern.compile("(?ms)^## Step by step$(.*?)^## ");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```(yaml|sh)\\n(.*?)^```$");

  @TempDir Path folder;

  @Test
  void everyCommandOfStepByStepSucceeds() throws Exception {
    Path work = Files.createDirectory(folder.resolve("work"));
    Matcher section = SECTION.matcher(readme());
    assertThat(section.find()).as("README.md has a section 'Step by step'").isTrue();
    List<String> commands = new ArrayList<>();
    for (Matcher block = BLOCK.matcher(section.group(1)); block.find(); ) {
      if (block.group(1).equals("yaml")) {
        Files.writeString(work.resolve("study.yaml"), block.group(2));
      } else {
        block.group(2).lines().forEach(commands::add);
      }
    }
    assertThat(commands).hasSizeGreaterThan(5);
    for (String command : commands) {
      String[] words = command.replaceAll("\\s*#.*", "").split("\\s+");
      assertThat(words[0]).as(command).isEqualTo("./isthmus");
      try (Child child = Child.start(work, List.of(words).subList(1, words.length))) {
        Run run = child.finish();
        assertThat(run.status()).as(command + "\n" + run.err()).isZero();
        assertThat(run.out()).as(command).isNotBlank();
      }
    }
    assertThat(work.resolve("runs/study/report.html")).isNotEmptyFile();
    assertThat(work.resolve("one.safetensors")).isNotEmptyFile();
  }

  @Test
  void theCommandReferenceNamesEveryVerbAndNoOther() throws IOException {
    String reference = readme();
    reference = reference.substring(reference.indexOf("## Command reference"));
    List<String> named = new ArrayList<>();
    Matcher row = Pattern.compile("(?m)^\\| (`[^|]*`) \\|").matcher(reference.replace("\\|", "/"));
    while (row.find()) {
      Matcher verb = Pattern.compile("`([a-z]+)[^`]*`").matcher(row.group(1));
      while (verb.find()) {
        named.add(verb.group(1));
      }
    }
    assertThat(named.stream().distinct())
        .containsExactlyInAnyOrderElementsOf(
            Isthmus.commandLine(Console.ofProcess()).getSubcommands().keySet());
  }

  private static String readme() throws IOException {
    return Files.readString(Path.of("README.md"));
  }
}
