// shapes.h - reads the tables of this folder: the one list of shapes, shared by the native tests and the benches.
//
// A table is text: '#' starts a comment, the first row names the columns (the first is `name`), every further row is a
// shape. Everything but the name is an integer.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ist::shapes {

struct Shape {
    std::string table, name;
    std::map<std::string, int> columns;
    int operator[](const std::string &column) const {
        const auto found = columns.find(column);
        if (found == columns.end()) throw std::runtime_error(table + ".txt has no column " + column);
        return found->second;
    }
};
inline void PrintTo(const Shape &shape, std::ostream *out) { *out << shape.table << "/" << shape.name; }

// folder: this one; table: file name without .txt
inline std::vector<Shape> read(const std::string &folder, const std::string &table) {
    const std::string path = folder + "/" + table + ".txt";
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read the shapes in " + path);
    std::vector<std::string> names;
    std::vector<Shape> shapes;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::vector<std::string> row;
        for (std::string word; words >> word;) row.push_back(word);
        if (row.empty()) continue;
        if (names.empty()) {
            names = row;
            continue;
        }
        if (row.size() != names.size())
            throw std::runtime_error(path + ":" + std::to_string(number) + ": expected " +
                                     std::to_string(names.size()) + " columns, got " + std::to_string(row.size()));
        Shape shape;
        shape.table = table, shape.name = row[0];
        for (size_t i = 1; i < row.size(); ++i) shape.columns[names[i]] = std::stoi(row[i]);
        shapes.push_back(shape);
    }
    if (shapes.empty()) throw std::runtime_error(path + " holds no shapes");
    return shapes;
}

} // namespace ist::shapes
