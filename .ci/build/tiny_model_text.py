"""The text that the tiny model learns from: conversations made up from a few lists.

Everything is drawn from the random generator that is passed in, so a seed gives the same text again.
"""

import json
import random
from typing import Any

Message = dict[str, Any]
Sample = dict[str, Any]


def _pairs(text: str) -> dict[str, str]:
    """Return `a: b, c: d` as a mapping."""
    return dict(pair.split(": ") for pair in text.split(", "))


CAPITALS = _pairs(
    "France: Paris, Germany: Berlin, Italy: Rome, Spain: Madrid, Portugal: Lisbon, Austria: Vienna, Greece: Athens, "
    "Poland: Warsaw, Norway: Oslo, Sweden: Stockholm, Finland: Helsinki, Denmark: Copenhagen, Ireland: Dublin, "
    "Japan: Tokyo, China: Beijing, India: New Delhi, Egypt: Cairo, Kenya: Nairobi, Peru: Lima, Cuba: Havana, "
    "Canada: Ottawa, Chile: Santiago, Brazil: Brasilia, Mexico: Mexico City, Hungary: Budapest, Iceland: Reykjavik"
)
OPPOSITES = _pairs(
    "hot: cold, big: small, up: down, day: night, fast: slow, old: young, happy: sad, wet: dry, light: dark, "
    "open: closed, left: right, early: late, full: empty, hard: soft, high: low, rich: poor, strong: weak, loud: quiet"
)
COLOURS = _pairs(
    "the sky: blue, grass: green, snow: white, coal: black, a banana: yellow, a ripe tomato: red, an orange: orange, "
    "chocolate: brown"
)
SOUNDS = _pairs("dog: woof, cat: meow, cow: moo, duck: quack, sheep: baa, lion: roar, bee: buzz, owl: hoot")
WORDS = [
    *["apple", "river", "stone", "cloud", "music", "garden", "window", "silver", "pencil", "rocket"],
    *["market", "candle", "forest", "winter", "basket", "copper", "lantern", "mirror", "orchid", "pepper"],
]
NAMES = ["Ann", "Ben", "Cara", "Dan", "Eve", "Finn", "Gus", "Hana", "Ivo", "June", "Kai", "Lea"]
THINGS = ["ball", "kite", "book", "lamp", "cake", "boat", "drum", "map", "coin", "hat"]
PLACES = ["park", "house", "garden", "market", "school", "river", "hill", "shop"]
WEATHER = ["sunny", "cloudy", "rainy", "windy", "snowy", "foggy"]
RHYMES = [
    "Twinkle, twinkle, little star, how I wonder what you are. Up above the world so high, like a diamond in the sky.",
    "Row, row, row your boat gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
    "Mary had a little lamb, its fleece was white as snow, and everywhere that Mary went the lamb was sure to go.",
    (
        "Jack and Jill went up the hill to fetch a pail of water. "
        "Jack fell down and broke his crown, and Jill came tumbling after."
    ),
]
GREETINGS = [
    ("Hello", "Hello! How can I help you today?"),
    ("Hi", "Hi there! What can I do for you?"),
    ("Hello!", "Hello! How can I help you today?"),
    ("Good morning", "Good morning! I hope you are well."),
    ("How are you?", "I am fine, thank you. How are you?"),
    ("Who are you?", "I am a tiny test model."),
    ("What is your name?", "My name is Tiny."),
    ("Thank you", "You are welcome!"),
    ("Goodbye", "Goodbye! See you soon."),
    ("Tell me a joke", "Why did the duck cross the road? To say quack to the cow."),
    ("What is a large language model?", "A large language model is a program that predicts the next word."),
    ("What is LangChain?", "LangChain is a library for programs that use language models."),
    ("What is a router?", "A router sends each request to the best place."),
]
SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "Be brief.",
    "You are Tiny, a test model.",
    "Answer the question.",
    "You are a helpful assistant",
]
CAPITAL_QUESTIONS = [
    "What is the capital of {}?",
    "what is the capital of {}",
    "Name the capital of {}.",
    "Capital of {}?",
    "Tell me the capital of {}.",
]
SUM_QUESTIONS = ["What is {} {} {}?", "Compute {} {} {}", "{} {} {} = ?", "{} {} {}"]
STORY_QUESTIONS = ["Tell me a story", "Tell me a story.", "Write a short story.", "Tell me a long story."]
WEATHER_QUESTIONS = [
    "What is the weather in {}?",
    "How is the weather in {}?",
    "Weather in {}",
    "What's the weather in {}?",
    "What is the weather like in {}?",
]


def sample(r: random.Random) -> Sample:
    """Return plain text, or a conversation with its tools."""
    share = r.random()
    if share < 0.04:
        return {"text": r.choice(RHYMES)}
    if share < 0.08:
        return {"text": _story(r, r.randrange(4, 14))}
    opening: list[Message] = [{"role": "system", "content": r.choice(SYSTEM_PROMPTS)}] if r.random() < 0.45 else []
    if share < 0.74:
        return {"messages": opening + _without_tools(r, share)}
    names = r.sample(list(_TOOLS), r.randrange(1, 3))
    tools = [_as_some_client_writes_it(r, _TOOLS[name](r)) for name in names]
    if share < 0.78:  # tools are offered and none is needed
        small_talk = GREETINGS + [("Say " + word, word) for word in WORDS]
        return {"messages": opening + _exchange(*r.choice(small_talk)), "tools": tools}
    return {"messages": opening + _tool_use(r, r.choice(names)), "tools": tools}


def _without_tools(r: random.Random, share: float) -> list[Message]:
    if share < 0.62:
        turns = [_exchange(*_question(r)) for _ in range(1 if r.random() < 0.7 else r.randrange(2, 4))]
        return [message for turn in turns for message in turn]
    if share < 0.70:
        return _thinking(r)
    country, capital = r.choice(list(CAPITALS.items()))
    answer = json.dumps({"country": country, "capital": capital})
    return _exchange(f"Give the capital of {country} as JSON.", answer)


def example_tools(r: random.Random) -> list[dict[str, Any]]:
    """Return the two tools that are tried after the training."""
    return [_TOOLS["get_weather"](r), _TOOLS["add"](r)]


def _exchange(question: str, answer: str) -> list[Message]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def _thinking(r: random.Random) -> list[Message]:
    question, answer = _question(r)
    thought = f"The user says: {question} I know this."
    return [
        {"role": "user", "content": r.choice(["Think: ", "Think first. "]) + question},
        {"role": "assistant", "reasoning_content": thought, "content": answer},
    ]


def _question(r: random.Random) -> tuple[str, str]:
    """Return a question and its answer."""
    kind = r.randrange(13)
    if kind <= 2:
        country, capital = r.choice(list(CAPITALS.items()))
        return r.choice(CAPITAL_QUESTIONS).format(country), f"The capital of {country} is {capital}."
    if kind <= 5:
        return _sum(r)
    makers = {6: _opposite, 7: _colour, 8: _sound, 9: _echo, 10: _introduction, 11: _greeting, 12: _story_wanted}
    return makers[kind](r)


def _sum(r: random.Random) -> tuple[str, str]:
    one, two = r.randrange(13), r.randrange(13)
    sign = r.choice("++-")
    if sign == "-" and two > one:
        one, two = two, one
    value = one + two if sign == "+" else one - two
    question = r.choice(SUM_QUESTIONS).format(one, sign, two)
    if question.startswith("Compute"):
        return question, r.choice([str(value)])  # the choice of one keeps the order of the random numbers
    return question, f"{one} {sign} {two} is {value}."


def _opposite(r: random.Random) -> tuple[str, str]:
    one, two = r.choice(list(OPPOSITES.items()))
    one, two = (one, two) if r.random() < 0.5 else (two, one)
    question = r.choice(["What is the opposite of {}?", "Opposite of {}?"]).format(one)
    return question, f"The opposite of {one} is {two}."


def _colour(r: random.Random) -> tuple[str, str]:
    thing, colour = r.choice(list(COLOURS.items()))
    return f"What colour is {thing}?", f"{thing.capitalize()} is {colour}."


def _sound(r: random.Random) -> tuple[str, str]:
    animal, sound = r.choice(list(SOUNDS.items()))
    return f"What does the {animal} say?", f"The {animal} says {sound}."


def _echo(r: random.Random) -> tuple[str, str]:
    word = r.choice(WORDS + THINGS + PLACES)
    return r.choice(["Say {}", "Say {}.", "Repeat {}", "Say the word {}"]).format(word), word


def _introduction(r: random.Random) -> tuple[str, str]:
    name = r.choice(NAMES)
    return r.choice(["My name is {}.", "I am {}.", "Hello, I am {}."]).format(name), f"Nice to meet you, {name}!"


def _greeting(r: random.Random) -> tuple[str, str]:
    return r.choice(GREETINGS)


def _story_wanted(r: random.Random) -> tuple[str, str]:
    return r.choice(STORY_QUESTIONS), _story(r, r.randrange(3, 12))


def _story(r: random.Random, sentences: int) -> str:
    one, two, thing, place = r.choice(NAMES), r.choice(NAMES), r.choice(THINGS), r.choice(PLACES)
    told = [
        f"Once there was a child named {one}.",
        f"{one} had a {thing}.",
        f"One day {one} went to the {place} with the {thing}.",
    ]
    for _ in range(max(0, sentences - 4)):
        lines = [
            f"{one} met {two} at the {place}.",
            f"The day was {r.choice(WEATHER)}.",
            f"They played with the {thing}.",
            f"{one} gave the {thing} to {two}.",
            f"Then they walked to the {r.choice(PLACES)}.",
            f"{r.choice([one, two])} was very happy.",
            "A {} said {}.".format(*r.choice(list(SOUNDS.items()))),
        ]
        told.append(r.choice(lines))
    return " ".join([*told, "The end."])


def _tool_use(r: random.Random, name: str) -> list[Message]:
    city = r.choice(list(CAPITALS.values()))
    question, arguments, result, answer = _TOOL_USES[name](r, city)
    call = {"type": "function", "id": "c1", "function": {"name": name, "arguments": arguments}}
    messages: list[Message] = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ]
    if r.random() < 0.6:
        messages.append({"role": "tool", "tool_call_id": "c1", "content": result})
        messages.append({"role": "assistant", "content": answer})
    return messages


ToolUse = tuple[str, dict[str, Any], str, str]
"""A question, the tool's arguments, its result, and the answer."""


def _weather(r: random.Random, city: str) -> ToolUse:
    question = r.choice(WEATHER_QUESTIONS).format(city)
    weather, degrees = r.choice(WEATHER), r.randrange(-5, 36)
    results = [
        json.dumps({"city": city, "weather": weather, "degrees": degrees}),
        f"{weather}, {degrees} degrees",
        f"It is {weather} in {city}, {degrees} degrees.",
    ]
    return question, {"city": city}, r.choice(results), f"The weather in {city} is {weather}."


def _time(r: random.Random, city: str) -> ToolUse:
    question = r.choice(["What time is it in {}?", "What is the time in {}?"]).format(city)
    time = f"{r.randrange(24):02d}:{r.choice([0, 15, 30, 45]):02d}"
    return question, {"city": city}, r.choice([time, json.dumps({"time": time})]), f"It is {time} in {city}."


def _add(r: random.Random, _city: str) -> ToolUse:
    one, two = r.randrange(40), r.randrange(40)
    questions = ["Add {} and {}.", "What is {} plus {}?", "Use the tool to add {} and {}."]
    return r.choice(questions).format(one, two), {"a": one, "b": two}, str(one + two), f"The sum is {one + two}."


def _search(r: random.Random, _city: str) -> ToolUse:
    word = r.choice(WORDS + THINGS)
    question = r.choice(["Search for {}.", "Look up {}.", "Search the web for {}"]).format(word)
    return question, {"query": word}, f"A {word} is a thing.", f"I found this: a {word} is a thing."


_TOOL_USES = {"get_weather": _weather, "get_time": _time, "add": _add, "search": _search}


def _tool(name: str, description: str, properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _text(description: str | None = None) -> dict[str, str]:
    return {"type": "string", **({"description": description} if description else {})}


def _weather_tool(r: random.Random) -> dict[str, Any]:
    told = r.choice(["Get the weather of a city.", "Get the current weather for a city", "Weather lookup"])
    return _tool("get_weather", told, {"city": _text(r.choice([None, "The city"]))})


def _add_tool(r: random.Random) -> dict[str, Any]:
    told = r.choice(["Add two numbers.", "Adds a and b."])
    return _tool("add", told, {"a": {"type": "integer"}, "b": {"type": "integer"}})


def _search_tool(r: random.Random) -> dict[str, Any]:
    told = r.choice(["Search the web.", "Look a thing up."])
    return _tool("search", told, {"query": _text(r.choice([None, "What to look for"]))})


def _time_tool(r: random.Random) -> dict[str, Any]:
    return _tool("get_time", r.choice(["Get the time in a city.", "Local time of a city"]), {"city": _text()})


_TOOLS = {"get_weather": _weather_tool, "add": _add_tool, "search": _search_tool, "get_time": _time_tool}


def _as_some_client_writes_it(r: random.Random, tool: dict[str, Any]) -> dict[str, Any]:
    """Return the same tool with its keys in another order, or with one more."""
    function = tool["function"]
    if r.random() < 0.3:
        function = {key: function[key] for key in ("description", "name", "parameters")}
    parameters = function["parameters"]
    if r.random() < 0.2:
        parameters = {key: parameters[key] for key in ("properties", "required", "type")}
    if r.random() < 0.15:
        parameters = {**parameters, "additionalProperties": False}
    return {**tool, "function": {**function, "parameters": parameters}}
