// report.h - the tables of a bench, for a terminal and as Markdown, its raw samples as JSON lines, its figures as SVG.
#pragma once

#include <string>
#include <vector>

#include "isolated.h"
#include "works.h"

namespace ist::bench {

struct Result {
    Work work;
    Measured measured;
};

struct Table {
    std::string title;
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> notes; // sentences below it
};

std::vector<Table> tables(const std::vector<Result> &results);
std::string as_text(const std::vector<Table> &tables);
std::string as_markdown(const std::vector<Table> &tables);
// One line per series: {"kind", "net", "precision", "what", "threads", "x", "unit", "amount", "flops", "first_s",
// "peak_mib", "seconds": [...]}; a work that failed: {"kind", "net", "precision", "error"}.
std::string as_json_lines(const std::vector<Result> &results);
// One panel per scaling work, or nothing where there are none.
std::string as_svg(const std::vector<Result> &results);

// What is missing or senseless in the results: a sentence each, empty if all is well.
std::vector<std::string> defects(const std::vector<Result> &results);

} // namespace ist::bench
