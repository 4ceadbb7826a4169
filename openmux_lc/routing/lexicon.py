"""Cue words, by concept: what a word of a prompt may say about the wish behind it.

A concept means the same in every language, so that one rule serves them all. A
word that ends in `*` stands for every word that begins so. The lists hold common
words only; no entry comes from a data set's template.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["PHRASES", "WORDS"]

# Words between spaces: Latin, Cyrillic and Greek scripts. Case and accents as written, lower case.
WORDS: Final = MappingProxyType(
    {
        # What is wanted done.
        "make": "create creates creating generate generates generating make makes making produce render compose design craft build convert turn "
        "erstelle erstell* erzeug* generier* mach mache kannst crea cree genera generar crear haz hazme créer crée créez génère générez "
        "fais générer creare generare fammi criar crie gere gerar faça maak genereer создай* создать сгенерир* сделай* "
        "stwórz utwórz wygeneruj zrób oluştur* yap üret* buat buatkan hasilkan tạo làm skapa generera створи* згенеруй vytvoř vygeneruj",
        "need": "need want give provide show like looking require brauche quiero necesito veux voglio quero хочу нужн* potrzebuję istiyorum",
        "draw": "draw sketch paint doodle drawing zeichne zeichn* skizziere dibuja* dibújame dessine* dessiner dessinez peins "
        "disegna* dipingi desenh* teken tekenen schilder нарисуй* нарисовать изобрази намалюй* narysuj* namaluj* çiz* resmet lukis* "
        "gambarkan gambarlah vẽ tegn kresli nakresli rajzolj",
        "illustrate": "illustrate illustrer ilustra illustriere",
        "abstract": "conclusion conclusions comparison comparisons analogy analogies parallel parallels lesson lessons plan outline concept "
        "distinction inference timeline table contract flowchart diagram chart graph attention inspiration fazit schluss vergleich "
        "conclusión conclusiones conclusione conclusioni conclusão вывод выводы wniosek wnioski sonuç kesimpulan",
        "edit": "clean split separate isolate trim merge combine cut mix isolat* reduce remove remov* erase crop resize colorize colourize colorise recolor upscale sharpen inpaint outpaint retouch blur "
        "brighten darken rotate enhance enhanc* denoise restore modify adjust replace edit swap entfern* freistellen bearbeite "
        "elimina* quita borra edita recorta supprime* enlève retouche efface rimuovi modifica remova remover apague verwijder удали* убери "
        "обрежь отредактируй usuń edytuj kaldır* düzenle sil hapus* edit xóa chỉnh ta",
        "look": "describe detect identify recognize recognise segment segmentation caption captioning ocr locate count spot classify "
        "recognition detection visible depicted shown beschreib* erkenn* zähle describe* identifica* detecta* décris décrire identifie "
        "descrivi riconosci descreva identifique beschrijf herken опиши* распозна* определи* opisz rozpoznaj tanımla* açıkla "
        "deskripsikan jelaskan mô beskriv popiš",
        "translate": "translate translat* translation übersetz* traduce* traduci* traduis* traduire traduisez traduction traduzir traduza "
        "traduz traduzi* traducción traduzione vertaal* vertalen переведи* перевод* перекла* przetłumacz* tłumacz* çevir* tercüme "
        "terjemah* dịch översätt* přelož* oversæt fordít* tradu",
        "summarize": "summarize summarise summary summaries summariz* summaris* tldr condense condensed recap abstract digest gist "
        "zusammenfass* zusammen resume resumen resumir resúm* résum* riassum* riepilog* resumo resuma samenvat* vat кратко* резюм* "
        "суммар* перескажи podsumuj* streszcz* streść özetle* özet* ringkas* rangkum* tóm sammanfatta* shrň підсумуй headline",
        "transcribe": "transcribe transcrib* transcript transcription transcripts diarize diarise diarization verbatim subtitle subtitles "
        "transkrib* abtippen transcripción transcriv* transcris transcription transcripcion trascri* transcrever transcreva transcri* "
        "transcribeer расшифру* транскри* transkry* transkript* yazıya transkrip* phiên transkribera",
        "speak": "narrate narration narrated voiceover voiceovers audiobook tts ssml pronounce vocalize recite "
        "vorlesen vorlies sprachausgabe vertone vertonen озвуч* вслух уголос seslendir* audiolibro locución lettura hörbuch lektor "
        "voorlezen голосом zvukově",
        "read": "read reads lies lees lee lea lis lisez lire leggi leggere leia ler прочитай* прочти przeczytaj oku bacakan baca đọc läs "
        "přečti зачитай",
        "aloud": "aloud vorlesen вслух",
        "embed": "embedding embeddings embed embeds vectorize vectorise vectorized einbettung* incrustaci* plongement* эмбеддинг* "
        "вектор* osadzen* gömme",
        "vector": "vector vectors encode encoder encodings representation representations vektor* vecteur* vettor* wektor*",
        "similar": "similar similarity similarities resemblance alike closest ähnlich* similitud similarit* semejanza similarité "
        "somiglianz* semelhança похож* сходств* podobieńst* benzerli* kemiripan",
        "cluster": "cluster clusters clustering dedupe deduplicate deduplication duplicates rerank nearest neighbor neighbors neighbours",
        "semantic": "semantic semantically meaning semantisch* semántic* sémantiq* семантич*",
        "rewrite": "rewrite rephrase paraphrase paraphrased proofread reword grammar grammatically polish simplify expand shorten "
        "spelling umformulier* korrigier* reescrib* reformul* corrige riscrivi correggi reescreva corrija herschrijf перефраз* "
        "перепиши исправь przepisz popraw yeniden perbaiki tulis",
        "write": "write writing compose draft brainstorm invent imagine schreib* schreibe verfasse escribe escriba redacta écris écrire "
        "rédige* scrivi scrivere escreva redija schrijf напиши* придумай составь napisz yaz* tulis* tuliskan buatlah viết skriv napiš",
        "explain": "explain explains explaining describe discuss compare why difference differences discuss explore erklär* explica* "
        "explique* expliquer spiega* uitleg leg объясни* расскажи* wyjaśnij opowiedz açıkla* anlat* jelaskan giải förklara vysvětli "
        "поясни",
        "recommend": "recommend recommends suggest suggestions advice advise tips tip should better worth empfiehl recomienda* "
        "recommande consiglia* aconseja conseille recomende посоветуй порекомендуй polecasz öner* sarankan",
        "ask": "what who whom whose when where which why how wer wann wo welche "
        "warum wie qué quién cuándo dónde cuál cómo cuánto quoi qui quand où quel quelle comment pourquoi combien cosa chi dove quale "
        "come perché quanto quem quando onde qual como что кто когда где какой какая как почему сколько co kto kiedy gdzie jak "
        "dlaczego ne kim nerede nasıl neden apa siapa kapan mana bagaimana mengapa wat wie waar waarom hoe",
        "aux": "is are was were do does did am has have",
        "extract": "extract extracts extraction entities entity ner sentiment classify categorize categorise label labels keyword "
        "keywords pos tagging tag anonymize redact spam topic polarity extrahier* extrae* extraer extrais estrai extraia "
        "извлеки* классифицир* wyodrębnij çıkar* ekstrak* sentimento sentimiento stimmung",
        "calculate": "calculate compute solve evaluate simplify factor integrate differentiate prove sum divided multiplied times minus "
        "plus percent percentage sqrt berechne* löse rechne calcula* resuelve calculer calcule résous calcola* risolvi calcule resolva "
        "bereken посчитай вычисли* реши* oblicz rozwiąż hesapla* çöz* hitung* selesaikan tính giải",
        "seek": "find search seek finde suche busca buscar trouve cherche trova cerca procure найди поищи znajdź bul cari",
        "unit": "inch inches feet foot meters metres miles kilometers km pounds ounces grams kilograms kg liters litres gallons cups "
        "teaspoons tablespoons celsius fahrenheit dollars euros",
        "math": "equation equations integral derivative polynomial integer integers triangle circle probability fraction theorem "
        "algebra geometry arithmetic calculus matrix radius square root logarithm modulo divisible prime remainder gleichung ecuación "
        "équation equazione equação уравнени* równanie denklem persamaan",
        "reason": "riddle puzzle logic deduce infer paradox syllogism logically step reasoning rätsel acertijo énigme indovinello "
        "загадк* zagadka bilmece teka-teki deduction hypothesis premise entail entails implies",
        "search": "latest news weather forecast today tomorrow tonight currently nearby traffic prices stock stocks score scores "
        "weekend showtimes temperature headlines google online website websites link links url wetter heute nachrichten aktuell* "
        "tiempo hoy noticias clima météo aujourd actualités meteo oggi notizie hoje notícias weer vandaag nieuws погода сегодня "
        "новости pogoda dzisiaj hava bugün haber cuaca berita nearest cinema theatre theaters rain snow sunny humidity trending happening events restaurants restaurant traffic "
        "open closes busy review reviews directions route commute",
        "act": "turn set remind play call send book schedule order add cancel open start stop mute unmute pause resume skip delete "
        "activate deactivate switch dim lock unlock email dial alert confirm pay transfer report reserve schalte schalt stell "
        "stelle spiel öffne schließ* enciende apaga pon reproduce abre cierra allume éteins mets ouvre ferme règle accendi spegni "
        "metti apri chiudi imposta ligar desligar ligue desligue abrir fechar abra feche toque zet doe speel включи* выключи* открой "
        "закрой поставь włącz wyłącz otwórz zamknij ustaw aç kapat ayarla çal nyalakan matikan buka tutup setel putar bật tắt rate tweet",
        "device": "light lights lamp alarm timer thermostat playlist calendar meeting reminder volume speaker lamp tv fan blinds "
        "curtain curtains door garage flight hotel uber taxi account card pin balance bill reservation table licht lampe wecker "
        "rollladen vorhang luz luces alarma temporizador persiana* cortina* lumière* volet* minuteur luce luci tapparella tende "
        "luzes temporizador свет лампу будильник таймер шторы światło rolety ışık ışığı perde* lampu tirai lampen gordijn* "
        "vacation appointment list contacts song album vacuum battery bank payment credit shopping sensor kitchen bedroom living",
        # What it is about.
        "picture": "image images picture pictures photo photos photograph photographs pic pics illustration illustrations artwork "
        "drawing drawings painting paintings logo logos icon icons wallpaper poster avatar portrait sticker thumbnail "
        "banner screenshot selfie jpeg jpg png scan bild bilder foto fotos zeichnung imagen imágenes dibujo image* dessin photo* "
        "immagin* disegno fotografia imagem imagens desenho afbeelding* plaatje tekening картинк* изображени* фото* рисун* "
        "obraz obrazek zdjęcie zdjęci* rysunek resim resmi resmini görsel* fotoğraf* gambar ảnh bilden zeichnungen teckning obrázek "
        "fotografii kép εικόνα зображення",
        "style": "watercolor watercolour digital anime cinematic pixel vaporwave cubist impressionist surreal lowpoly isometric "
        "stencil mosaic oil pastel charcoal neon lighting closeup ukiyo baroque minimalist",
        "render": "photorealistic photorealism hyperrealistic hyperrealism octane artstation 4k 8k bokeh dslr unreal deviantart lora",
        "audio": "audio recording recordings recorded podcast voicemail mp3 wav flac sound sounds memo speaker speakers "
        "microphone noise reverb pitch echo acoustic hiss interview  aufnahme audiodatei sprachnachricht grabación audios enregistrement "
        "registrazione vocale gravação áudio opname запись записи аудио* голосов* nagranie nagrania ses kaydı rekaman suara",
        "music": "music song melody beat jingle instrumental instrument instruments vocals drums bass guitar tune chord soundtrack "
        "sfx musik música musique musica музык* muzyk* müzik musik nhạc lied canción chanson canzone",
        "sound": "sound sounds noise sfx ambience geräusch* sonido* bruit* suono rumore som звук* dźwięk",
        "voice": "voice voices accent tone spoken speaking male female stimme voz voix voce stem голос* głos* ses suara giọng röst",
        "video": "video videos mp4 clip footage gif movie animation film trailer vídeo* vidéo* видео* wideo klip",
        "data": "csv spreadsheet dataset excel table column columns row rows chart charts histogram correlation regression average "
        "median outliers pivot tabelle tabla tableau tabella tabela таблиц* statistics trend quarterly revenue sheet sheets",
        "language": "english german french spanish italian portuguese dutch russian polish turkish arabic hindi chinese mandarin "
        "japanese korean swedish latin greek hebrew vietnamese indonesian swahili deutsch englisch französisch spanisch inglés alemán "
        "francés español anglais allemand espagnol français inglese tedesco francese italiano inglês alemão engels duits английск* "
        "немецк* французск* русск* angielski* niemieck* polski ingilizce* almanca* inggris anh engelska czech thai danish finnish",
        "genre": "poem poems story stories essay article blog letter email tweet caption haiku lyrics slogan tagline "
        "limerick joke jokes novel dialogue plot outline paragraph resume biography recipe review plan itinerary prompt prompts "
        "description sentence sentences gedicht geschichte brief aufsatz poema cuento carta ensayo correo poème histoire lettre "
        "poesia storia lettera história verhaal стих* рассказ* письмо эссе wiersz opowiadanie list şiir hikaye mektup puisi cerita "
        "surat thơ truyện dikt checklist agenda post presentation speech speeches rede discurso discours discorso proverb conversation names ideas",
        "given": "texts passages articles documents sentences paragraphs following text passage article paragraph document sentence dialogue review folgend* texto siguiente texte suivant* "
        "testo seguente текст* tekst metin teks",
        # Programming.
        "code_language": "python javascript typescript java golang rust kotlin ruby perl php scala haskell sql mysql postgresql postgres "
        "sqlite oracle bash powershell html css latex regex json yaml xml jquery numpy pandas django flask react node nodejs npm "
        "docker kubernetes git linux unix nginx terraform matlab fortran cobol vba swift lua tsql plsql csharp graphql svg "
        "mermaid tikz selenium pytorch tensorflow excel mongodb",
        "code_noun": "code function functions script program algorithm class method methods query queries api endpoint regex compiler "
        "debugger bug bugs unit array arrays string strings loop recursion variable variables parameter parameters argument boolean "
        "webpage dataframe schema stored procedure database datetime substring tuple tuples dictionary dictionaries nested "
        "element elements stack linked node nodes subquery join syntax snippet codebase repo repository commit exception stacktrace "
        "funktion programm código función programa fonction programme código funzione programma função функци* программ* код* скрипт* "
        "funkcj* skrypt fonksiyon* kodu kod program fungsi hàm kode skript dockerfile makefile component frontend backend website server",
        "code_verb": "implement implements implementing debug refactor compile deploy parse print return returns sort concatenate "
        "iterate implementier* implementa* implémente programme programmier* реализуй zaimplementuj append recursively instantiate",
        "shell": "directory directories folder folders file files recursively recursive symlink symlinks ssh chmod chown grep awk sed "
        "stdin stdout stderr symbolic hardlink permissions permission owner timestamp tar gzip disk cron daemon sudo subdirectories filename filenames extension mount process processes archive",
        "fs_verb": "print prints display list lists count find finds rename copy move delete remove replace sort archive search change "
        "show create recursively",
        "db_verb": "insert update select join group pivot query queries index aggregate fetch retrieve order sum",
        "db_noun": "table tables column columns row rows record records field fields database value values",
        # How it is said.
        "roleplay": "pretend imagine roleplay persona character",
        "you": "you your yourself u du dich dein te tu tú eres vous toi es-tu você ты тебя вы ty cię sen seni kamu bạn jij je",
        "me": "i me my i'm i've i'd we us our mich mir mein ich yo mi je moi mio io eu meu я мне мой mnie moje ben bana saya aku tôi",
        "greet": "hi hello hey thanks thank bye goodbye morning hallo hola bonjour salut ciao olá привет cześć merhaba halo danke gracias "
        "merci grazie obrigado спасибо dziękuję lol haha wow sorry ok okay yes no nope yeah yep cool nice",
        "feel": "like love hate feel think believe favorite favourite enjoy happy sad funny boring fan friend married opinion",
        "please": "u plz pls please kindly bitte por favor s'il plaît plait prego per piacere alsjeblieft пожалуйста proszę lütfen tolong silakan "
        "just now then also hey hi hello ok okay can could would will you i i'd like want need to me for help us let's lets kannst "
        "könntest puedes podrías peux pourriez peux-tu puoi potresti pode poderia kun можешь możesz mir einen ein eine a an the un une "
        "una um uma",
        # How hard it is.
        "deep": "prove proof derive derivation design architect architecture optimize optimise analyze analyse analysis evaluate critique "
        "comprehensive detailed rigorous thorough tradeoffs trade-offs implications refactor distributed concurrent scalable algorithm "
        "theorem strategy justify synthesize assess implement debug diagnose complexity constraints optimal minimum maximum "
        "beweise analysiere entwirf demuestra analiza diseña démontre analyse conçois dimostra progetta demonstre analise докажи "
        "проанализируй спроектируй udowodnij przeanalizuj kanıtla analiz buktikan analisis rancang chứng",
        "easy": "define definition capital hello hi thanks color colour joke synonym antonym spell time name list",
        "moderate": "toxic toxicity offensive hateful harmful moderation nsfw",
        "again": "continue again more another shorter longer louder weiter nochmal continúa otra continue encore ancora continua "
        "дальше продолж* ещё kontynuuj devam lanjutkan tiếp instead bigger smaller brighter darker",
    },
)

# Word sequences, as lower-case words with single spaces.
PHRASES: Final = MappingProxyType(
    {
        "speak": "text to speech|text into speech|text to audio|text into audio|to speech|into speech|read aloud|read out loud|out loud|read this out|"
        "read it out|read it to me|voice over|as speech|speech from|speech of|the speech|spoken speech|speech saying|speech that says|synthesize speech|speech synthesis|speech version|say it in a|speak the|spoken audio|spoken version|as an audio|to spoken|"
        "into spoken|lies vor|lies mir vor|lies das vor|lies diesen text vor|laut vor|vor lesen|en voz alta|de viva voz|à voix haute|"
        "a voix haute|ad alta voce|em voz alta|voor lezen|hardop voor|lees voor|на голос|голосом|na głos|sesli oku|sesli olarak|"
        "dengan suara|suara keras|đọc to|thành giọng nói|läs upp|högt för|nahlas|text zu sprache|texto a voz|texte en parole|"
        "testo in voce|texto em fala|текст в речь|hear this|hear it|audio version|turn this into audio|audio book|sound like a|"
        "clone my voice|a female voice|a male voice|british accent|in a calm voice|in a deep voice",
        "transcribe": "that was said|everything said|what was said|speech to text|voice to text|audio to text|write down what|who said what|who is speaking|what is said|"
        "what does the speaker|minutes of the recording|voz a texto|parole en texte|text aus|в текст|speech into text|audio into text",
        "word_picture": "paint a picture|paint me a picture|paints a picture|picture of how|picture of what",
        "as_text": "alt text|image tag|img tag|in words|in text|as text|in prose|in writing|ascii art|text description|a prompt for|a prompt to|prompt for",
        "picture_of": "image of|images of|picture of|pictures of|photo of|logo for|logo of|illustration of|drawing of|poster for|poster of|"
        "wallpaper of|wallpaper with|icon for|icon of|painting of|portrait of|sketch of|bild von|bild mit|foto von|imagen de|foto de|"
        "image de|image d|photo de|dessin de|immagine di|disegno di|foto di|imagem de|desenho de|afbeelding van|tekening van|obraz z",
        "web": "look up|search for|search the web|search online|on the internet|near me|around me|right now|this week|find me a link|"
        "who won|going on|what time is it|what's the time|open now|how far|how long does it take to get|in my area|"
        "stock price|exchange rate|traffic on|the weather|as of today|up to date|most recent",
        "howto": "how do i|how can i|how to|how should i|why does my|why is my|why do my|wie kann ich|cómo puedo|comment puis je|"
        "come posso|como posso|как мне|jak mogę",
        "draw": "rita en|rita ett|rita mig|mal mir|male mir|male ein|malen",
        "edit": "clean up|get rid of|cut out|black and white|filter out",
        "explain": "what is|what are|what's|how does|how do|how did|how can|how to|why is|why do|why does|difference between|tell me about|"
        "pros and cons|history of|meaning of|what does|what do|who invented|which is better|should i|can you explain|"
        "was ist|wie funktioniert|qué es|cómo funciona|qu est ce|comment fonctionne|che cos|come funziona|o que é|como funciona|"
        "что такое|как работает|co to jest|jak działa|nedir|nasıl çalışır|apa itu|bagaimana cara|là gì|vad är|wat is|hoe werkt",
        "say": "how do you say|how do they say|how would you say|how do i say|how to say|what is the word for|wie sagt man|"
        "cómo se dice|comment dit on|come si dice|como se diz|как сказать|jak powiedzieć|nasıl denir",
        "roleplay": "act as|you are a|you are an|you're a|i want you to act|take on the role|as if you were|pretend to be|play the role|"
        "put yourself|imagine you|imagine that you|you have been|stell dir vor|du bist ein|imagina que eres|eres un|imagine que tu|"
        "tu es un|immagina di|sei un|imagine que você|você é um|представь|ты -|ты —|wyobraź sobie|bayangkan|kamu adalah|"
        "suppose you are|in the role of|if you were|role play",
        "smalltalk": "how are you|who are you|your name|are you a|are you an|do you like|do you have|do you know|tell me a joke|what's up|"
        "i love you|are you real|are you human|how old are you|where are you from|good morning|good night|good evening|your favorite|"
        "your favourite|did you know|what about you|how about you|thank you|can you help|made you|created you|your age|wie geht|"
        "wer bist|cómo estás|quién eres|ça va|qui es|come stai|chi sei|como vai|quem é você|как дела|кто ты|jak się masz|nasılsın|"
        "apa kabar|hoe gaat",
        "extract": "named entities|named entity|part of speech|parts of speech|key phrases|sentiment of|is this review|is this spam|"
        "positive or negative|what category|which category|how does the reviewer|how does the viewer|did the reviewer|topic of|"
        "the reviewer feel|phone numbers|email addresses|would you say that this|what rating|how would you rate",
        "summarize": "tl dr|key points|main points|sum up|in a few sentences|in one sentence|boil down|boils down|short version|"
        "shorter version|give a title|a title for|fasse zusammen|fass zusammen|en resumen|en résumé|in sintesi|em resumo|"
        "tóm tắt|in brief|main idea|generate a headline|distill|bullet points|highlights of|concise|краткое содержание",
        "embed": "vector representation|vector representations|feature vector|vector space|sentence encoder|cosine similarity|"
        "sentence embedding|word embedding|text embedding|semantic search|semantic similarity|similarity score|how similar|"
        "how close in meaning|nearest neighbors|nearest neighbours|most similar|group similar|similarity between|"
        "same meaning|by meaning|rank by relevance|ähnlichkeit|similitud entre|similarité entre|similarità tra|similaridade entre",
        "calculate": "how many|how much|find the value|solve for|square root|find the sum|what is the sum|divided by|multiplied by|"
        "greatest common|least common|cuánto es|combien font|quanto fa|quanto é|сколько будет|ile to jest|kaç eder|in total|"
        "per hour|per day|times as many|half as many|twice as many|x in the|wie viel ist",
        "reason": "answer choices|multiple choice|choose the correct|which of the following|answer with|step by step|what comes next|"
        "next number|given that|can we infer|does it follow|true or false|select the best|choose from|correct answer|correct option|"
        "is it true that|true, false",
        "read": "answer the question|answer the following question|based on the|given the following context|read the following|"
        "according to the|context:|question:|the answer to the question|given this|in the passage|in the text|in the paragraph",
        "act": "turn on|turn off|turn up|turn down|set an alarm|set a timer|set my|remind me|wake me|add to|put on|shut down|"
        "log me|sign me|i lost my|my card|my account|my calendar|my list|my bank|my order|my flight|my phone|to my|from my|"
        "apply for|i need to|make a reservation|book a|get me a|order a|tell my|report my|freeze my|what's on my|do i have|"
        "mach das|schalte das|est ce que j",
        "howto_code": "stack trace|error message|does not compile|command line|one liner|source code|write a function|"
        "write code|write a program|write a script|write a query|unit test|unit tests|regular expression|sql query|pull request|"
        "data structure|time complexity|shell command|design pattern|web page|web app|object oriented|left join|inner join|group by|"
        "order by|primary key|foreign key|where clause|select statement|stored procedure|null values|linked list|binary tree|"
        "binary search|hash table|http request|rest api|command to|c code|c program|java program|test cases|schreibe eine funktion|"
        "escribe una función|écris une fonction|scrivi una funzione|escreva uma função|напиши функцию|napisz funkcję|"
        "bir fonksiyon yaz|buat fungsi|given a string|given an array|given a list|return true|returns true|"
        "takes a|takes in|takes two|as input|as output|sub query|n integers|integer n|integers n|test case|array of n|you are given n|output the answer",
        "music_make": "generate music|create music|compose music|background music|sound effect|sound effects|piano piece|"
        "lofi beat|lo fi beat|instrumental track|royalty free|ambient sound|musik erstellen|genera música|génère de la musique|"
        "сгенерируй музыку|drum loop|theme song",
        "video_make": "create a video|make a video|generate a video|text to video|video of|video clip|animated video|edit the video|"
        "video editing|speed up|slow down|slow motion|a short film|erstelle ein video|crea un video|créer une vidéo|crie um vídeo",
        "see": "in this image|in the image|in this picture|in this photo|in the picture|in the photo|of this image|of the image|"
        "from this image|from the image|this image|this picture|this photo|the image|the attached image|these images|these photos|"
        "auf dem bild|auf diesem bild|auf diesem foto|en esta imagen|en la imagen|en esta foto|sur cette image|sur l image|"
        "sur cette photo|in questa immagine|in questa foto|nesta imagem|nesta foto|на картинке|на фото|на этом изображении|"
        "na tym zdjęciu|na zdjęciu|bu resimde|bu fotoğrafta|di gambar ini|dalam gambar|op deze foto|trong ảnh|den här bilden|"
        "my photo|my picture|my image|an image i|a photo i|a picture i|depth map|object detection|pose estimation|screenshot of",
        "hear": "in this audio|in the audio|given audio|the given audio|the audio|this recording|the recording|this audio|audio file|audio clip|voice message|"
        "voice memo|voice note|sound file|the speaker|the clip|the song|first speaker|second speaker|background noise|"
        "diese aufnahme|diese audiodatei|este audio|esta grabación|cet enregistrement|questa registrazione|este áudio|"
        "эту запись|аудиозапис|to nagranie|bu ses|rekaman ini|the melody|the dialogue|the conversation you hear",
        "figure": "draw a conclusion|draw conclusions|draw the line|draw on|draw up|draw attention|draw from|draw inspiration|"
        "big picture|get the picture|picture this|image of god|brand image|self image|body image|mirror image|"
        "embedded in|a sound argument|sounds like a good|voice of reason|draw a parallel|drawing a blank|read between|"
        "mermaid diagram|make sense|make sure",
    },
)
