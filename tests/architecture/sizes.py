"""How long modules and functions are: `python -m tests.architecture.sizes` prints the longest."""

from statistics import median
from typing import NamedTuple

from tests.architecture.sources import Function, functions, modules


class Size(NamedTuple):
    """Lines of a module or function, or the parameters of a function."""

    count: int
    name: str


def of_modules() -> list[Size]:
    return [Size(module.lines, module.where) for module in modules() if module.lines > 3]


def of_functions() -> list[Size]:
    return [
        Size((each.end_lineno or each.lineno) - each.lineno + 1, f"{module.where}:{each.name}")
        for module in modules()
        for each in functions(module)
    ]


def of_signatures() -> list[Size]:
    """How many arguments a caller may give by place."""
    return [
        Size(_places(each), f"{module.where}:{each.name}")
        for module in modules()
        for each in functions(module)
    ]


def _places(each: Function) -> int:
    names = [argument.arg for argument in each.args.posonlyargs + each.args.args]
    return len([name for name in names if name not in ("self", "cls")])


def main() -> None:
    for title, sizes in (("modules", of_modules()), ("functions", of_functions())):
        middle = median(size.count for size in sizes)
        print(f"{len(sizes)} {title}, median {middle:.0f} lines, the longest:")
        for size in sorted(sizes, reverse=True)[:8]:
            print(f"  {size.count:4} {size.name}")


if __name__ == "__main__":
    main()
