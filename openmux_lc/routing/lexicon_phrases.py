"""Cue phrases, by concept: what words say together that none of them says alone.

Concepts mean the same as in the lexicon of single words. A phrase counts wherever
its words stand in a row.
"""

# ruff: noqa: RUF001 - words of many languages hold letters that look alike

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["PHRASES"]

# Phrases between bars, as lower-case words with single spaces.
PHRASES: Final = MappingProxyType(
    {
        "speak": (
            "text to speech|text into speech|text to audio|text into audio|to speech|into speech|read aloud|"
            "read out loud|out loud|read this out|read it out|read it to me|voice over|as speech|speech from|"
            "speech of|the speech|spoken speech|speech saying|speech that says|synthesize speech|"
            "speech synthesis|speech version|say it in a|speak the|spoken audio|spoken version|as an audio|"
            "to spoken|into spoken|lies vor|lies mir vor|lies das vor|lies diesen text vor|laut vor|vor lesen|"
            "en voz alta|de viva voz|à voix haute|a voix haute|ad alta voce|em voz alta|voor lezen|hardop voor|"
            "lees voor|на голос|голосом|na głos|sesli oku|sesli olarak|dengan suara|suara keras|đọc to|"
            "thành giọng nói|läs upp|högt för|nahlas|text zu sprache|texto a voz|texte en parole|testo in voce|"
            "texto em fala|текст в речь|hear this|hear it|audio version|turn this into audio|audio book|"
            "sound like a|clone my voice|a female voice|a male voice|british accent|in a calm voice|"
            "in a deep voice"
        ),
        "transcribe": (
            "that was said|everything said|what was said|speech to text|voice to text|audio to text|"
            "write down what|who said what|who is speaking|what is said|what does the speaker|"
            "minutes of the recording|voz a texto|parole en texte|text aus|в текст|speech into text|"
            "audio into text"
        ),
        "word_picture": "paint a picture|paint me a picture|paints a picture|picture of how|picture of what",
        "as_text": (
            "alt text|image tag|img tag|in words|in text|as text|in prose|in writing|ascii art|text description|"
            "a prompt for|a prompt to|prompt for"
        ),
        "picture_of": (
            "image of|images of|picture of|pictures of|photo of|logo for|logo of|illustration of|drawing of|"
            "poster for|poster of|wallpaper of|wallpaper with|icon for|icon of|painting of|portrait of|sketch of|"
            "bild von|bild mit|foto von|imagen de|foto de|image de|image d|photo de|dessin de|immagine di|"
            "disegno di|foto di|imagem de|desenho de|afbeelding van|tekening van|obraz z"
        ),
        "web": (
            "look up|search for|search the web|search online|on the internet|near me|around me|right now|"
            "this week|find me a link|who won|going on|what time is it|what's the time|open now|how far|"
            "how long does it take to get|in my area|stock price|exchange rate|traffic on|the weather|"
            "as of today|up to date|most recent"
        ),
        "howto": (
            "how do i|how can i|how to|how should i|why does my|why is my|why do my|wie kann ich|cómo puedo|"
            "comment puis je|come posso|como posso|как мне|jak mogę"
        ),
        "draw": "rita en|rita ett|rita mig|mal mir|male mir|male ein|malen",
        "edit": "clean up|get rid of|cut out|black and white|filter out",
        "explain": (
            "what is|what are|what's|how does|how do|how did|how can|how to|why is|why do|why does|"
            "difference between|tell me about|pros and cons|history of|meaning of|what does|what do|who invented|"
            "which is better|should i|can you explain|was ist|wie funktioniert|qué es|cómo funciona|qu est ce|"
            "comment fonctionne|che cos|come funziona|o que é|como funciona|что такое|как работает|co to jest|"
            "jak działa|nedir|nasıl çalışır|apa itu|bagaimana cara|là gì|vad är|wat is|hoe werkt"
        ),
        "say": (
            "how do you say|how do they say|how would you say|how do i say|how to say|what is the word for|"
            "wie sagt man|cómo se dice|comment dit on|come si dice|como se diz|как сказать|jak powiedzieć|"
            "nasıl denir"
        ),
        "roleplay": (
            "act as|you are a|you are an|you're a|i want you to act|take on the role|as if you were|"
            "pretend to be|play the role|put yourself|imagine you|imagine that you|you have been|stell dir vor|"
            "du bist ein|imagina que eres|eres un|imagine que tu|tu es un|immagina di|sei un|imagine que você|"
            "você é um|представь|ты -|ты —|wyobraź sobie|bayangkan|kamu adalah|suppose you are|in the role of|"
            "if you were|role play"
        ),
        "smalltalk": (
            "how are you|who are you|your name|are you a|are you an|do you like|do you have|do you know|"
            "tell me a joke|what's up|i love you|are you real|are you human|how old are you|where are you from|"
            "good morning|good night|good evening|your favorite|your favourite|did you know|what about you|"
            "how about you|thank you|can you help|made you|created you|your age|wie geht|wer bist|cómo estás|"
            "quién eres|ça va|qui es|come stai|chi sei|como vai|quem é você|как дела|кто ты|jak się masz|"
            "nasılsın|apa kabar|hoe gaat"
        ),
        "extract": (
            "named entities|named entity|part of speech|parts of speech|key phrases|sentiment of|is this review|"
            "is this spam|positive or negative|what category|which category|how does the reviewer|"
            "how does the viewer|did the reviewer|topic of|the reviewer feel|phone numbers|email addresses|"
            "would you say that this|what rating|how would you rate"
        ),
        "summarize": (
            "tl dr|key points|main points|sum up|in a few sentences|in one sentence|boil down|boils down|"
            "short version|shorter version|give a title|a title for|fasse zusammen|fass zusammen|en resumen|"
            "en résumé|in sintesi|em resumo|tóm tắt|in brief|main idea|generate a headline|distill|bullet points|"
            "highlights of|concise|краткое содержание"
        ),
        "embed": (
            "vector representation|vector representations|feature vector|vector space|sentence encoder|"
            "cosine similarity|sentence embedding|word embedding|text embedding|semantic search|"
            "semantic similarity|similarity score|how similar|how close in meaning|nearest neighbors|"
            "nearest neighbours|most similar|group similar|similarity between|same meaning|by meaning|"
            "rank by relevance|ähnlichkeit|similitud entre|similarité entre|similarità tra|similaridade entre"
        ),
        "calculate": (
            "how many|how much|find the value|solve for|square root|find the sum|what is the sum|divided by|"
            "multiplied by|greatest common|least common|cuánto es|combien font|quanto fa|quanto é|сколько будет|"
            "ile to jest|kaç eder|in total|per hour|per day|times as many|half as many|twice as many|x in the|"
            "wie viel ist"
        ),
        "reason": (
            "answer choices|multiple choice|choose the correct|which of the following|answer with|step by step|"
            "what comes next|next number|given that|can we infer|does it follow|true or false|select the best|"
            "choose from|correct answer|correct option|is it true that|true, false"
        ),
        "read": (
            "answer the question|answer the following question|based on the|given the following context|"
            "read the following|according to the|the answer to the question|given this|"
            "in the passage|in the text|in the paragraph"
        ),
        "act": (
            "turn on|turn off|turn up|turn down|set an alarm|set a timer|set my|remind me|wake me|add to|put on|"
            "shut down|log me|sign me|i lost my|my card|my account|my calendar|my list|my bank|my order|"
            "my flight|my phone|to my|from my|apply for|i need to|make a reservation|book a|get me a|order a|"
            "tell my|report my|freeze my|what's on my|do i have|mach das|schalte das|est ce que j"
        ),
        "howto_code": (
            "stack trace|error message|does not compile|command line|one liner|source code|write a function|"
            "write code|write a program|write a script|write a query|unit test|unit tests|regular expression|"
            "sql query|pull request|data structure|time complexity|shell command|design pattern|web page|web app|"
            "object oriented|left join|inner join|group by|order by|primary key|foreign key|where clause|"
            "select statement|stored procedure|null values|linked list|binary tree|binary search|hash table|"
            "http request|rest api|command to|c code|c program|java program|test cases|schreibe eine funktion|"
            "escribe una función|écris une fonction|scrivi una funzione|escreva uma função|напиши функцию|"
            "napisz funkcję|bir fonksiyon yaz|buat fungsi|given a string|given an array|given a list|return true|"
            "returns true|takes a|takes in|takes two|as input|as output|sub query|n integers|integer n|"
            "integers n|test case|array of n|you are given n|output the answer"
        ),
        "music_make": (
            "generate music|create music|compose music|background music|sound effect|sound effects|piano piece|"
            "lofi beat|lo fi beat|instrumental track|royalty free|ambient sound|musik erstellen|genera música|"
            "génère de la musique|сгенерируй музыку|drum loop|theme song"
        ),
        "video_make": (
            "create a video|make a video|generate a video|text to video|video of|video clip|animated video|"
            "edit the video|video editing|speed up|slow down|slow motion|a short film|erstelle ein video|"
            "crea un video|créer une vidéo|crie um vídeo"
        ),
        "see": (
            "in this image|in the image|in this picture|in this photo|in the picture|in the photo|of this image|"
            "of the image|from this image|from the image|this image|this picture|this photo|the image|"
            "the attached image|these images|these photos|auf dem bild|auf diesem bild|auf diesem foto|"
            "en esta imagen|en la imagen|en esta foto|sur cette image|sur l image|sur cette photo|"
            "in questa immagine|in questa foto|nesta imagem|nesta foto|на картинке|на фото|на этом изображении|"
            "na tym zdjęciu|na zdjęciu|bu resimde|bu fotoğrafta|di gambar ini|dalam gambar|op deze foto|"
            "trong ảnh|den här bilden|my photo|my picture|my image|an image i|a photo i|a picture i|depth map|"
            "object detection|pose estimation|screenshot of"
        ),
        "hear": (
            "in this audio|in the audio|given audio|the given audio|the audio|this recording|the recording|"
            "this audio|audio file|audio clip|voice message|voice memo|voice note|sound file|the speaker|"
            "the clip|the song|first speaker|second speaker|background noise|diese aufnahme|diese audiodatei|"
            "este audio|esta grabación|cet enregistrement|questa registrazione|este áudio|эту запись|аудиозапис|"
            "to nagranie|bu ses|rekaman ini|the melody|the dialogue|the conversation you hear"
        ),
        "figure": (
            "draw a conclusion|draw conclusions|draw the line|draw on|draw up|draw attention|draw from|"
            "draw inspiration|big picture|get the picture|picture this|image of god|brand image|self image|"
            "body image|mirror image|embedded in|a sound argument|sounds like a good|voice of reason|"
            "draw a parallel|drawing a blank|read between|mermaid diagram|make sense|make sure"
        ),
    }
)
