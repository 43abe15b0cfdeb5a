"""What a line changes in something it found by a call, an item or an attribute that is computed,
while other variables hold it."""

import collections
import operator
import types
import weakref


class Node:
    def __init__(self, name):
        self.name = name
        self.edges = []
        self.state = {"seen": []}


class Graph:
    def __init__(self):
        self.nodes = {}

    def node(self, name):
        if name not in self.nodes:
            self.nodes[name] = Node(name)
        return self.nodes[name]

    def __getitem__(self, name):
        return self.nodes[name]

    def __getattr__(self, name):
        return self.nodes[name]

    @property
    def first(self):
        return self.nodes["a"]


def by_call():
    graph = Graph()
    a = graph.node("a")
    b = graph.node("b")
    for turn in range(3):
        graph.node("a").edges.append(turn)
        graph.node("b").state["seen"].append(turn)
        graph["a"].edges.append("item")
        graph.a.edges.append("attribute")
        graph.first.edges.append("property")
        graph.first.name = turn
        graph["b"].state["turn"] = turn
    return a, b


def meta(document):
    return document["meta"]


def by_function():
    document = {"meta": {"tags": [], "counts": {}}}
    tags = document["meta"]["tags"]
    for turn in range(3):
        meta(document)["tags"].append(turn)
        meta(document)["counts"][turn] = [turn]
        getattr(document, "get")("meta")["tags"].append("get")
        operator.itemgetter("meta")(document)["tags"].append("getter")
    return tags


Edge = collections.namedtuple("Edge", "node weight")


class Stack(list):
    pass


class Holder:
    pass


def by_kind():
    node = Node("n")
    queue = collections.deque([node, Node("m")])
    edge = Edge(node, [1])
    stack = Stack([node])
    user = collections.UserList([node])
    proxy = types.MappingProxyType({"n": node})
    ref = weakref.ref(node)
    box = [node]
    error = ValueError(node)
    for turn in range(3):
        queue[0].edges.append(turn)
        edge.node.edges.append("named")
        edge.weight.append(turn)
        stack[0].edges.append("stack")
        user[0].edges.append("user")
        proxy["n"].edges.append("proxy")
        ref().edges.append("ref")
        error.args[0].edges.append("error")
        box[-1:][0].edges.append("slice")
        box.pop().edges.append("pop")
        box.append(node)
        operator.attrgetter("edges")(node).append("getter")
        getattr(node, "edges").append("getattr")
        vars(node)["edges"].append("vars")
    return node, queue, edge


class Made:
    made = []
    index = {}

    def __init__(self, name):
        self.name = name
        self.made.append(name)
        self.index[name] = [self.name]


def by_class():
    one = Made("one")
    two = Made("two")
    one.made.append("three")
    two.index["one"].append(1)
    return Made.made


by_call()
by_function()
by_kind()
by_class()
