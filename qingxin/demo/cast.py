"""Who lives in the sample world. None of them exists."""

from msgspec import Struct

PASSWORD = "sample"


class Person(Struct, frozen=True):
    """One made-up person; `name` is the part of their id before the colon."""

    name: str
    display_name: str
    moderator: bool = False


CAST = (
    Person("alice", "Alice Example", moderator=True),
    Person("bob", "Bob Example"),
    Person("carol", "Carol Sample"),
    Person("dave", "Dave Example"),
    Person("erin", "Erin Sample"),
    Person("frank", "Frank Example"),
    Person("grace", "Grace Sample"),
    Person("heidi", "Heidi Example"),
    Person("xiaolin", "示例·小林"),
    Person("wangfang", "示例·王芳"),
    Person("chenming", "示例·陈明"),
    Person("limei", "示例·李梅"),
    Person("zhaolei", "示例·赵雷"),
)
LOGINS = (
    ("alice", "Alice Example, who is in most rooms and a moderator"),
    ("bob", "Bob Example, who hikes and builds a website"),
    ("xiaolin", "示例·小林, 班级群和邻居群都在"),
)


class Place(Struct, frozen=True):
    """A space that rooms belong to, and who makes it."""

    title: str
    topic: str
    owner: str


SPACES = {
    "school": Place("河畔学校 · Riverside School", "A school that does not exist", "wangfang"),
    "library": Place("Reading room 阅览室", "Books, and those who read them", "dave"),
}
